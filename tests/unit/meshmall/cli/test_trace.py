"""`meshmall trace`: one request as a tree."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mesh.daemon.failure import Failure
from meshmall.cli.trace import show_trace, tree
from tests.support.commands import FakeClient, context_with


def span(service: str, parent: int | None, status: int = 200, **more: Any) -> dict[str, Any]:
    return {
        "requestId": "r1",
        "service": f"mesh/{service}",
        "source": None if parent is None else {"workload": "x"},
        "parent": parent,
        "start": 1.0,
        "milliseconds": 2.5,
        "method": "GET",
        "url": f"http://{service}:7000/path?query=1",
        "status": status,
        "flags": "",
        "problem": "",
        "fallback": False,
        "branch": "",
        "destination": {"workload": f"{service}-v1", "version": "v1", "branch": ""},
        **more,
    }


FORK = {"workload": "products-fox", "version": "v2", "branch": "fox"}
SPANS = [
    span("mall", None),
    span("products", 0, destination=FORK),
    span("stock", 1, 503, flags="UH", problem="no pod was ready to answer", destination=None),
    span("discount", 0, fallback=True, branch="fox", rule={"row": "mesh/discount[0]"}),
]


def printed(spans: list[dict[str, Any]]) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(tree(spans))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_each_call_stands_below_the_one_that_made_it() -> None:
    assert printed(SPANS) == [
        "request r1, 4 hops, 2.5 ms",
        "└── mall v1 mall-v1 GET /path 200 2.5 ms",
        "    ├── products v2 products-fox GET /path 200 2.5 ms branch fox",
        "    │   └── stock GET /path 503 2.5 ms (no pod was ready to answer)",
        "    └── discount v1 discount-v1 GET /path 200 2.5 ms by mesh/discount[0] fallback from branch fox",
    ]
    assert printed(SPANS[:1])[0] == "request r1, 1 hop, 2.5 ms"


def show(client: FakeClient, home: Path, **options: Any) -> None:
    given = {"url": None, "branch": "", "method": "GET", "headers": (), "request_id": "", "output": "text", **options}
    show_trace(context_with(client, home), **given)


def test_the_last_request_is_shown_when_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client = FakeClient(
        answers={"last_request": "r1", "request": lambda request_id: SPANS if request_id == "r1" else []}
    )
    show(client, tmp_path)
    assert "4 hops" in capsys.readouterr().out
    show(client, tmp_path, output="json")
    assert json.loads(capsys.readouterr().out) == SPANS
    with pytest.raises(Failure, match="request zzz not found"):
        show(client, tmp_path, request_id="zzz")
    with pytest.raises(Failure, match="no request yet"):
        show(FakeClient(answers={"last_request": ""}), tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "https://example.com/"}, "is not a URL of the gateway"),
        ({"url": "mall"}, "is not a URL of the gateway"),
        ({"url": "http://127.0.0.1:1/"}, "http://127.0.0.1:1/ does not answer"),
        ({"url": "/", "headers": ["cookie user=fox"]}, "use 'NAME: VALUE'"),
        ({"output": "yaml"}, "-o yaml: use text or json"),
    ],
)
def test_what_cannot_be_sent_is_said(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure) as caught:
        show(FakeClient(), tmp_path, **options)
    assert message in caught.value.message
