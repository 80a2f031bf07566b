"""Whether a version does well."""

from typing import Any

import pytest

from mesh.daemon.failure import Failure
from meshmall.cli.canary.judging import Limits, Observation, Seen, Verdict, judge, observation

LIMITS = Limits.of("1%", "200ms", 20)


def edge(version: str, requests: int, errors: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "target": "mesh/mall", "targetWorkload": f"mall-{version}", "version": version, "branch": "", "p99": 10.0,
        "requests": requests, "errors": errors, **more,
    }  # fmt: skip


def test_requests_are_counted_by_version_and_branches_are_left_out() -> None:
    edges = [
        edge("v1", 50, 1),
        edge("v2", 10, p99=5.0),
        edge("v2", 5, 2, p99=70.0),
        edge("v2", 9, 9, branch="fox"),
        edge("v2", 9, 9, target="mesh/other"),
        edge("", 4, 4, targetWorkload="", p99=None),
    ]
    versions = [{"version": "v2", "branch": "", "ready": 1}, {"version": "v1", "branch": "", "ready": 0}]
    seen = observation({"edges": edges, "services": [{"id": "mesh/mall", "versions": versions}]}, "mesh/mall", "v2")
    assert seen == Observation(Seen(15, 2, 70.0), Seen(50, 1, 10.0), 4, True)
    assert str(seen.canary) == "15 requests, 2 failed (13.3 %), p99 70.0 ms"


@pytest.mark.parametrize(
    ("canary", "unanswered", "ready", "verdict", "why"),
    [
        (Seen(20, 0, 10.0), 0, True, Verdict.GOOD, ""),
        (Seen(200, 2, 10.0), 0, True, Verdict.GOOD, ""),
        (Seen(19, 0, 10.0), 0, True, Verdict.UNKNOWN, "19 of the 20 requests that a judgement needs (--min-requests)"),
        (
            Seen(200, 3, 10.0), 0, True, Verdict.BAD,
            "3 of 200 requests failed (1.5 %); at most 1 % may (--max-errors)",
        ),
        (
            Seen(2, 1, 10.0), 0, True, Verdict.BAD,
            "1 of 2 requests failed (50.0 %); at most 1 % may (--max-errors)",
        ),
        (
            Seen(0, 0, None), 5, True, Verdict.BAD,
            "5 of 5 requests failed (100.0 %, 5 of them without an answer from any pod); "
            "at most 1 % may (--max-errors)",
        ),
        (Seen(50, 0, 250.0), 0, True, Verdict.BAD, "its p99 is 250.0 ms; at most 200 ms (--max-latency)"),
        (Seen(50, 0, 1.0), 0, False, Verdict.BAD, "no pod of v2 is ready"),
    ],
)  # fmt: skip
def test_a_verdict_has_its_reason(canary: Seen, unanswered: int, ready: bool, verdict: Verdict, why: str) -> None:
    assert judge(Observation(canary, Seen(), unanswered, ready), LIMITS, "v2") == (verdict, why)


@pytest.mark.parametrize(
    ("errors", "latency", "requests", "message"),
    [
        ("x", "", 20, '--max-errors "x": not a share of requests'),
        ("100%", "", 20, '--max-errors "100%": not a share of requests'),
        ("1%", "soon", 20, '--max-latency "soon": not a duration'),
        ("1%", "", 0, "--min-requests 0: use a whole number from 1"),
    ],
)
def test_a_wrong_limit_is_named(errors: str, latency: str, requests: int, message: str) -> None:
    with pytest.raises(Failure) as failure:
        Limits.of(errors, latency, requests)
    assert failure.value.message == message
