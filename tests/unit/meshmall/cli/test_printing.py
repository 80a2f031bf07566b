"""Objects for other programs: as kubectl prints them."""

import json

import pytest
import yaml

from mesh.client.api import Result
from mesh.resources.values.ref import Ref
from meshmall.cli.printing import print_objects, print_results
from meshmall.cli.view import View

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "b"}}


def test_names_have_the_kind_and_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    print_objects(View(), [POD, DEPLOYMENT], "name", one=True)
    assert capsys.readouterr().out == "pod/a\ndeployment.apps/b\n"


def test_one_object_that_was_named_stands_by_itself_and_others_are_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    print_objects(View(), [POD], "json", one=True)
    assert json.loads(capsys.readouterr().out) == POD
    print_objects(View(), [POD], "yaml", one=False)
    assert yaml.safe_load(capsys.readouterr().out) == {"apiVersion": "v1", "kind": "List", "items": [POD]}
    print_objects(View(), [POD, DEPLOYMENT], "json", one=True)
    assert json.loads(capsys.readouterr().out)["items"] == [POD, DEPLOYMENT]


def test_results_name_the_object_and_what_became_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_results(View(), [Result(Ref("apps", "Deployment", "mesh", "b"), "deleted", ())])
    assert json.loads(capsys.readouterr().out) == [
        {"group": "apps", "kind": "Deployment", "namespace": "mesh", "name": "b", "result": "deleted"}
    ]


def test_remarks_go_to_stderr_beside_data(capsys: pytest.CaptureFixture[str]) -> None:
    view = View()
    view.only_data()
    view.say("[dim]a remark[/]")
    with view.step("a step"):
        view.plain("{}")
    shown = capsys.readouterr()
    assert shown.out == "{}\n"
    assert shown.err.startswith("a remark\nok a step ")
