"""`meshmall get` prints what the API server says a kind's columns are."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mesh.api.objects.tables import table
from mesh.daemon.failure import Failure
from mesh.resources.custom.definitions import extended, is_definition
from mesh.resources.registry import Registry
from mesh.resources.values.body import Body
from meshmall.cli.context import Context
from meshmall.cli.get import get_objects
from meshmall.cli.view import View

BRANCH: Body = {
    "apiVersion": "meshmall.dev/v1",
    "kind": "Branch",
    "metadata": {"name": "fox", "namespace": "mesh"},
    "spec": {"enter": [{"cookie": {"name": "user", "value": "fox"}}]},
    "status": {"phase": "Ready", "services": [{"name": "stock"}], "url": "http://fox.localhost/"},
}
POLICY: Body = {
    "apiVersion": "security.istio.io/v1",
    "kind": "AuthorizationPolicy",
    "metadata": {"name": "closed", "namespace": "mesh"},
    "spec": {"action": "DENY"},
    "status": {"conditions": [{"type": "Programmed", "status": "False"}]},
}
BACKUPS: Body = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "backups.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "backups", "singular": "backup", "kind": "Backup", "shortNames": ["bk"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                "additionalPrinterColumns": [{"name": "Hour", "type": "integer", "jsonPath": ".spec.hour"}],
            }
        ],
    },
}


class Client:
    """A server that has some objects, in every namespace."""

    def __init__(self, *bodies: Body) -> None:
        self._bodies = bodies

    def kinds(self) -> Registry:
        return extended(body for body in self._bodies if is_definition(body))

    def table(self, group: str, kind: str, namespace: str | None, *, name: str = "", selector: str = "") -> Body:
        definition = self.kinds().by_kind(group, kind)
        assert definition is not None
        bodies = [
            body
            for body in self._bodies
            if (body["apiVersion"].rpartition("/")[0], body["kind"]) == (group, kind)
            and body["metadata"]["name"] == (name or body["metadata"]["name"])
        ]
        return table(definition, definition.versions[0], bodies, {})

    def watch(self, group: str, kind: str, namespace: str | None, **options: Any) -> Iterator[Body]:
        """Each object as it is, changed, and deleted; the columns come with the first event alone."""
        assert options["as_tables"]
        whole = self.table(group, kind, namespace, name=options["name"])
        for number, type_ in enumerate(("ADDED", "MODIFIED", "DELETED")):
            columns = whole["columnDefinitions"] if number == 0 else None
            for row in whole["rows"]:
                yield {"type": type_, "object": {**whole, "columnDefinitions": columns, "rows": [row]}}


def shown(capsys: pytest.CaptureFixture[str], *bodies: Body, kind: str, **options: Any) -> list[list[str]]:
    context = cast(Context, SimpleNamespace(client=Client(*bodies), namespace="mesh", view=View()))
    options = {"all_namespaces": False, "selector": "", "output": "table", **options}
    get_objects(context, kind, None, **options)
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_branches_have_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, BRANCH, kind="branches") == [
        ["NAME", "PHASE", "CHANGES", "ENTERS", "ENDS", "AGE"],
        ["fox", "Ready", "stock", "user=fox", "<unknown>"],
    ]


def test_wide_shows_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    header, row = shown(capsys, BRANCH, kind="br", output="wide")
    assert header[-1] == "URL"
    assert row[-1] == "http://fox.localhost/"


def test_a_policy_has_the_columns_of_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, POLICY, kind="authorizationpolicies") == [
        ["NAME", "ACTION", "AGE"],
        ["closed", "DENY", "<unknown>"],
    ]


def test_all_namespaces_adds_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    header, row = shown(capsys, BRANCH, kind="branch", all_namespaces=True)
    assert (header[:2], row[:2]) == (["NAMESPACE", "NAME"], ["mesh", "fox"])


def test_several_kinds_are_titled_by_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, BRANCH, POLICY, kind="branches,authorizationpolicies")
    assert [line[0] for line in lines if line] == ["BRANCHES", "fox", "AUTHORIZATIONPOLICIES", "closed"]


def test_all_shows_rules_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, POLICY, kind="all")[0][0] == "AUTHORIZATIONPOLICIES"


def test_every_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, BRANCH, kind="branches", watch=True)
    assert lines[0][:2] == ["NAME", "PHASE"]
    assert [line[:2] for line in lines[1:]] == [["fox", "Ready"]] * 3
    assert [line[-1] for line in lines[1:]] == ["<unknown>", "<unknown>", "deleted"]
    with pytest.raises(Failure, match="follows one kind"):
        shown(capsys, BRANCH, kind="all", watch=True)


def test_no_object_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, kind="branches") == [["no", "objects", "in", "namespace", "mesh"]]


def test_the_two_gateways_are_told_apart_by_their_groups(capsys: pytest.CaptureFixture[str]) -> None:
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "shop", "namespace": "mesh"},
        "spec": {"gatewayClassName": "mesh"},
    }
    assert shown(capsys, gateway, kind="gateways") == [["no", "objects", "in", "namespace", "mesh"]]
    assert shown(capsys, gateway, kind="gateways.gateway.networking.k8s.io")[1][:2] == ["shop", "mesh"]


def test_kinds_that_users_define_have_their_columns(capsys: pytest.CaptureFixture[str]) -> None:
    backup: Body = {
        "apiVersion": "example.com/v1",
        "kind": "Backup",
        "metadata": {"name": "nightly", "namespace": "mesh"},
        "spec": {"hour": 3},
    }
    for name in ("backups", "bk", "backups.example.com"):
        assert shown(capsys, BACKUPS, backup, kind=name) == [["NAME", "HOUR"], ["nightly", "3"]]


def test_an_unknown_kind_is_refused() -> None:
    context = cast(Context, SimpleNamespace(client=Client(BACKUPS)))
    with pytest.raises(Failure, match='unknown kind "podz"') as failure:
        get_objects(context, "podz", None, all_namespaces=False, selector="", output="table")
    assert "backups" in failure.value.remedy
