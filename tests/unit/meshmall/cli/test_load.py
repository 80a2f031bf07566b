"""`meshmall load`: who visits, and the figures of what they got."""

from pathlib import Path
from typing import Any

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.load import MOST_USERS, Results, _figures, _summary, _visitors, drive
from tests.support.commands import FakeClient, context_with


def branches(count: int) -> FakeClient:
    names = [f"b{number}" for number in range(count)]
    return FakeClient({Ref("meshmall.dev", "Branch", "mesh", name): {"metadata": {"name": name}} for name in names})


def test_every_user_and_every_branch_visits(tmp_path: Path) -> None:
    visitors = _visitors(context_with(branches(2), tmp_path, "mesh"), [])
    assert [visitor.name for visitor in visitors] == ["jason", "fox", "admin", "guest", "branch b0", "branch b1"]
    assert visitors[0].headers == (("cookie", "user=jason"),)
    ((name, value),) = visitors[-1].headers
    assert (name, value.endswith("=b1")) == ("baggage", True)
    assert len(_visitors(context_with(branches(100), tmp_path, "mesh"), [])) == MOST_USERS
    with pytest.raises(Failure, match='no branch "ann"'):
        _visitors(context_with(branches(2), tmp_path, "mesh"), ["ann"])


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0.0}, {"seconds": 1e9}, {"users": 0}, {"users": 1000}, {"rate": -1.0}, {"rate": 1e6}]
)
def test_a_number_beyond_its_bounds_is_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    options = {"seconds": 1.0, "users": 1, "rate": 1.0, **wrong}
    with pytest.raises(Failure, match=f"--{next(iter(wrong))} .*: must be above 0 and at most"):
        drive(context_with(FakeClient(), tmp_path), branches=[], output="text", **options)


@pytest.mark.parametrize(
    ("milliseconds", "p50", "p99"),
    [([], 0.0, 0.0), ([4.0], 4.0, 4.0), ([float(n) for n in range(101)], 50.0, 99.0)],
)
def test_quantiles_are_those_of_all_answers(milliseconds: list[float], p50: float, p99: float) -> None:
    figures = _figures(Results(milliseconds))
    assert (figures["requests"], figures["p50"], figures["p99"]) == (len(milliseconds), p50, p99)


def test_the_summary_names_the_first_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = {"jason": Results([1.0, 3.0], 1, "/api/mall: 503"), "fox": Results()}
    _summary(context_with(FakeClient(), tmp_path), results, 2.0, "text")
    shown = capsys.readouterr()
    assert [line.split()[:3] for line in shown.out.splitlines()[1:3]] == [["jason", "2", "1"], ["all", "2", "1"]]
    assert "1.0 requests per second for 2.0 s" in shown.out
    assert "jason: /api/mall: 503" in shown.err
