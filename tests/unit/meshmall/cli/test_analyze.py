"""`meshmall analyze`: files without a mesh."""

import json
from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from meshmall.cli.analyze import analyze_files
from tests.support.commands import FakeClient, context_with

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: products}
spec: {selector: {app: products}, ports: [{port: 7000}]}
"""
RULE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: products}
spec: {hosts: [products], http: [{route: [{destination: {host: products%s}}]}]}
"""


def analyze(home: Path, *texts: str, output: str = "text") -> None:
    file = home / "objects.yaml"
    file.write_text("---".join(texts))
    analyze_files(context_with(FakeClient(), home, "mesh"), [str(file)], alone=True, output=output)


def test_good_objects_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analyze(tmp_path, SERVICE, RULE % "")
    assert capsys.readouterr().out == "no problems found in 2 objects\n"


def test_an_error_is_named_and_the_exit_code_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        analyze(tmp_path, SERVICE, RULE % ", subset: v3", output="json")
    assert ended.value.code == 1
    (message,) = json.loads(capsys.readouterr().out)
    assert (message["severity"], message["object"]["name"]) == ("error", "products")
    assert message["path"] == "spec.http[0].route[0].destination.subset"


def test_what_is_no_valid_object_does_not_hide_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        analyze(tmp_path, SERVICE.replace("ports:", "prots:"), RULE % ", subset: v3")
    told = capsys.readouterr().out
    assert "prots" in told
    assert 'subset: "v3"' in told


def test_an_unknown_format_or_file_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="-o xml"):
        analyze(tmp_path, SERVICE, output="xml")
    with pytest.raises(Failure, match=r"missing\.yaml"):
        analyze_files(context_with(FakeClient(), tmp_path), [str(tmp_path / "missing.yaml")], alone=True, output="text")
