"""`branch list`, `show` and `open`: what a person reads."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.branch.show import list_branches, open_branch, show
from tests.support.commands import FakeClient, context_with


def moment(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%SZ")


def branch(name: str, *, used: str = "", ready: bool = True, services: int = 1) -> tuple[Ref, Body]:
    status = {
        "phase": "Ready" if ready else "Progressing",
        "url": f"http://{name}.localhost:8080/",
        "services": [
            {"name": f"s{number}", "kind": "fork", "answers": f"s{number}-{name}", "ready": ready, "message": "0 of 1"}
            for number in range(services)
        ],
        "expiresAt": moment(hours=47, minutes=30),
        "overlaps": ["stock is also changed by bob, which wins"],
        "conditions": [
            {"type": "Ready", "status": "True" if ready else "False", "message": "0 of 1 pods"},
            {"type": "ContextKept", "status": "False", "message": "relay lost it"},
            {"type": "Expiring", "status": "True", "message": "ends soon"},
        ],
        **({"lastUsed": used} if used else {}),
    }
    body = {
        "metadata": {"name": name},
        "spec": {"enter": [{"cookie": {"name": "user", "value": name}}], "includes": ["base"]},
        "status": status,
    }
    return Ref("meshmall.dev", "Branch", "mesh", name), body


def test_the_list_begins_with_what_nobody_has_used_for_longest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    branches = dict(
        [
            branch("fox", used=moment(minutes=-3)),
            branch("ann", used=moment(days=-4)),
            branch("new", services=6, ready=False),
        ]
    )
    list_branches(context_with(FakeClient(branches), tmp_path), "table", everywhere=False)
    header, *rows = [line.split("   ") for line in capsys.readouterr().out.splitlines()]
    assert header[0].strip() == "NAME"
    assert [row[0].strip() for row in rows] == ["new", "ann", "fox"]
    new, ann, fox = (" ".join(row) for row in rows)
    assert "never" in new
    assert "s0!,s1!,s2!,s3!,+2" in new
    assert "4d ago" in ann
    assert "3m ago" in fox
    assert "47h" in fox
    list_branches(context_with(FakeClient(branches), tmp_path), "name", everywhere=True)
    assert capsys.readouterr().out.split() == ["new", "ann", "fox"]


def test_no_branches_say_how_to_create_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_branches(context_with(FakeClient(), tmp_path), "table", everywhere=False)
    assert "meshmall branch create NAME" in capsys.readouterr().out


def test_one_branch_is_shown_with_everything_that_concerns_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = context_with(FakeClient(dict([branch("fox")])), tmp_path)
    show(context, "fox", "text")
    shown = capsys.readouterr()
    for part in ("cookie user=fox", "baggage ", "includes  base", "s0-fox", "which wins", "relay lost it", "(in 47h)"):
        assert part in shown.out, part
    assert "meshmall branch extend fox" in shown.err
    show(context, "fox", "json")
    assert json.loads(capsys.readouterr().out)["metadata"]["name"] == "fox"
    open_branch(context, "fox", only_print=True)
    assert capsys.readouterr().out == "http://fox.localhost:8080/\n"


def test_a_branch_that_is_not_ready_is_a_failure(tmp_path: Path) -> None:
    context = context_with(FakeClient(dict([branch("fox", ready=False)])), tmp_path)
    with pytest.raises(Failure, match="branch fox is not ready: 0 of 1 pods"):
        show(context, "fox", "text")


@pytest.mark.parametrize("output", ["foo", "wide", ""])
def test_a_format_that_does_not_exist_is_an_error(tmp_path: Path, output: str) -> None:
    context = context_with(FakeClient(dict([branch("fox")])), tmp_path)
    with pytest.raises(Failure, match="use text, json or yaml"):
        show(context, "fox", output)
    with pytest.raises(Failure, match="use table, json, yaml or name"):
        list_branches(context, output, everywhere=False)


def test_without_a_gateway_no_address_is_printed_but_requests_that_enter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ref, body = branch("fox")
    del body["status"]["url"]
    shop = Ref("", "Service", "mesh", "shop"), {"spec": {"ports": [{"port": 80, "nodePort": 30092}, {"port": 81}]}}
    context = context_with(FakeClient(dict([(ref, body), shop])), tmp_path)
    show(context, "fox", "text")
    shown = capsys.readouterr().out
    assert "address   none: no Gateway or Ingress" in shown
    assert "request   curl -b user=fox http://127.0.0.1:30092/" in shown
    assert ".localhost" not in shown.partition("entries")[0]
    with pytest.raises(Failure, match="no address for a browser") as failure:
        open_branch(context, "fox", only_print=True)
    assert "curl -b user=fox http://127.0.0.1:30092/" in failure.value.remedy


def test_at_an_address_that_browsers_do_not_reach_the_request_says_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ref, body = branch("fox")
    del body["status"]["url"]
    gateway: tuple[Ref, Body] = Ref("networking.istio.io", "Gateway", "mesh", "shop"), {"spec": {}}
    context = context_with(FakeClient(dict([(ref, body), gateway])), tmp_path)
    assert context.settings.preview_url("fox") == "http://fox.localhost:8080/"
    context.home.save(replace(context.settings, address="127.0.0.14"))
    assert context.settings.preview_url("fox") == ""
    show(context, "fox", "text")
    assert "request   curl -H 'host: fox.localhost' http://127.0.0.14:8080/" in capsys.readouterr().out
