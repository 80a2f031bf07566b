"""`meshmall apply`: what became of each object, and what Envoy says of it."""

from pathlib import Path
from typing import Any

import pytest

from mesh.client.api import Refusal, Synced
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.apply import apply_files, grouped, object_line, settle
from tests.support.commands import FakeClient, context_with

RULE = Ref("networking.istio.io", "VirtualService", "mesh", "a")


class Refusing(FakeClient):
    """Envoy refuses what comes of one object."""

    def sync(self, version: int, *, timeout: float = 30.0) -> Synced:
        return Synced(version, 1.5, (Refusal("route table mesh", (RULE,), "no such cluster"),))


def test_each_object_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
    client = FakeClient(warnings=("ConfigMap mesh/a: data: is empty",))
    apply_files(context_with(client, tmp_path, "mesh"), [str(file)], wait=False, timeout=1, dry_run=False)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "configmap/a created"
    assert "Envoy acknowledged in" in shown.out
    assert "warning: ConfigMap mesh/a: data: is empty" in shown.err
    apply_files(context_with(client, tmp_path, "mesh"), [str(file)], wait=True, timeout=1, dry_run=True)
    assert capsys.readouterr().out == "configmap/a created (dry run)\n"


def test_a_refusal_of_the_api_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
    client = FakeClient(refuses=ApiError(422, "refused", ["spec.a: is wrong", "spec.b: is wrong"]))
    with pytest.raises(Failure) as caught:
        apply_files(context_with(client, tmp_path), [str(file)], wait=False, timeout=1, dry_run=False)
    assert caught.value.message == "spec.a: is wrong\nspec.b: is wrong"
    assert caught.value.remedy == "nothing was changed"


def test_envoy_s_refusal_fails_who_applied_the_object_and_warns_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = context_with(Refusing(), tmp_path)
    with pytest.raises(Failure, match="VirtualService mesh/a: Envoy refused it: no such cluster"):
        settle(context, 7, [RULE])
    assert settle(context, 7, [RULE._replace(name="b")]) == 1.5
    assert "VirtualService mesh/a: Envoy refused it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ref", "line"),
    [
        (Ref("", "Service", "mesh", "a"), "service/a"),
        (Ref("apps", "Deployment", "mesh", "a-v1"), "deployment.apps/a-v1"),
    ],
)
def test_an_object_is_named_as_kubectl_names_it(ref: Ref, line: str) -> None:
    assert object_line(ref) == line


def test_one_warning_about_several_objects_is_one_line() -> None:
    warnings: list[Any] = ["Pod a: spec.x: no effect", "Pod b: spec.y: no effect", "Pod c: spec.x: no effect"]
    assert grouped(warnings) == ["Pod a, Pod c: spec.x: no effect", "Pod b: spec.y: no effect"]
