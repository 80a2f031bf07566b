"""What the shell offers, by what has been typed so far."""

from pathlib import Path
from typing import Any

import pytest

from mesh.resources.values.ref import Ref
from meshmall.cli.app import app
from meshmall.cli.complete import OFFERS, completer
from meshmall.cli.declare import Group
from tests.support.commands import FakeClient, context_with

NAMES = (
    ("", "Pod", "mesh", "mall-x"),
    ("", "Pod", "shop", "front-x"),
    ("", "Service", "mesh", "mall"),
    ("", "Namespace", "", "mesh"),
    ("apps", "Deployment", "mesh", "mall-v1"),
    ("meshmall.dev", "Branch", "mesh", "fox"),
)


def offered(home: Path, what: str, incomplete: str = "", namespace: str | None = "mesh", **values: Any) -> list[str]:
    objects = {Ref(*name): {"metadata": {"name": name[-1]}} for name in NAMES}
    return list(OFFERS[what](context_with(FakeClient(objects), home, namespace), values, incomplete))


def test_names_of_the_namespace_are_offered(tmp_path: Path) -> None:
    assert offered(tmp_path, "pod") == ["mall-x", "deployment/"]
    assert offered(tmp_path, "pod", namespace="shop") == ["front-x", "deployment/"]
    assert offered(tmp_path, "pod", "deployment/") == ["deployment/mall-v1"]
    assert offered(tmp_path, "service") == ["mall"]
    assert offered(tmp_path, "namespace") == ["mesh"]
    assert offered(tmp_path, "branch") == ["fox"]
    assert offered(tmp_path, "caller") == ["mall-v1", "mall-x"]
    assert offered(tmp_path, "deployment") == ["mall-v1"]
    assert offered(tmp_path, "deployment", "deploy/") == ["deploy/mall-v1"]


def test_the_kind_comes_first_and_then_its_names(tmp_path: Path) -> None:
    assert {"pods", "branches", "virtualservices", "all"} <= {*offered(tmp_path, "kind")}
    assert offered(tmp_path, "kind", "po/") == ["po/mall-x"]
    assert offered(tmp_path, "name", kind="pods") == ["mall-x"]
    assert offered(tmp_path, "name", kind="all") == []
    assert "pods" in offered(tmp_path, "object")
    assert offered(tmp_path, "object", objects=["deploy"]) == ["mall-v1"]
    assert offered(tmp_path, "object", objects=["deploy", "mall-v1"]) == []
    assert offered(tmp_path, "object", "svc/", objects=["svc/mall"]) == ["svc/mall"]


def test_without_a_mesh_nothing_is_offered(tmp_path: Path) -> None:
    import typer  # noqa: PLC0415 - slow to import

    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.params["home"] = tmp_path
    assert completer("branch")(context, "") == []


def declared(group: Group) -> set[str]:
    own = {parameter.declaration.complete for command in group.commands.values() for parameter in command.parameters}
    return own.union(*map(declared, group.groups.values())) - {""}


def test_what_is_declared_is_offered_and_the_other_way_round() -> None:
    assert declared(app) == {*OFFERS}


@pytest.mark.parametrize("word", ["branches", "po", "virtualservice"])
def test_a_kind_is_known_by_any_of_its_names(tmp_path: Path, word: str) -> None:
    assert isinstance(offered(tmp_path, "name", kind=word), list)
