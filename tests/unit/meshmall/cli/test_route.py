"""`meshmall route`: the decision as a person reads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.route import show_route
from tests.support.commands import FakeClient, context_with

DECISION: dict[str, Any] = {
    "from": "the gateway",
    "host": "*",
    "branch": "fox",
    "rows": [
        {"taken": False, "name": "mesh/mall[jason]", "why": "cookie is not user=jason"},
        {"taken": True, "name": "mesh/mall[fox]", "why": "matches"},
    ],
    "does": "forward",
    "destinations": [
        {"percent": 87.5, "cluster": "products-fox", "pods": ["127.4.0.1:7000"]},
        {"percent": 12.5, "cluster": "products", "pods": []},
    ],
    "also": ["timeout 5 s"],
}


def shown(home: Path, capsys: pytest.CaptureFixture[str], decision: Any, output: str = "text") -> str:
    client = FakeClient(answers={"route": lambda url, **options: decision})
    show_route(context_with(client, home), "/", caller="gateway", method="GET", headers=["a: b"], output=output)
    return capsys.readouterr().out


def test_rows_are_in_their_order_with_what_follows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(tmp_path, capsys, DECISION).splitlines() == [
        "from    the gateway",
        "host    *",
        "branch  fox",
        "skip    mesh/mall[jason]: cookie is not user=jason",
        "match   mesh/mall[fox]: matches",
        "to      87.5 % products-fox  (127.4.0.1:7000)",
        "to      12.5 % products  (no ready pod: 503)",
        "also    timeout 5 s",
    ]
    assert json.loads(shown(tmp_path, capsys, DECISION, "json")) == DECISION


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"does": "respond", "status": 404, "body": ""}, "answer  404"),
        ({"does": "respond", "status": 503, "body": "no pod\n"}, "answer  503 no pod"),
        ({"does": "redirect", "status": 301, "to": {"path": "/x"}}, "answer  301, redirect: path /x"),
        ({"host": ""}, "host    no host matches this authority"),
    ],
)
def test_an_answer_without_a_pod_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, Any], line: str
) -> None:
    assert line in shown(tmp_path, capsys, {**DECISION, "destinations": [], **more}).splitlines()


def test_a_question_that_the_api_refuses_is_a_failure(tmp_path: Path) -> None:
    def refuse(url: str, **options: Any) -> Any:
        raise ApiError(422, "url: is not absolute")

    client = FakeClient(answers={"route": refuse})
    with pytest.raises(Failure, match="url: is not absolute"):
        show_route(context_with(client, tmp_path), "x", caller="gateway", method="GET", headers=[], output="text")
