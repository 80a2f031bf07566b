"""How results of probes are counted, and when checks are made."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from mesh.pods.pod_settings import PodSettings
from mesh.pods.probes import ProbeFailed, Result, Verdict, port_number, watch
from mesh.resources.core.pod import Container, Probe

FAST = PodSettings(first_check_every=0.0)


@pytest.mark.parametrize(
    ("thresholds", "results", "reached", "good"),
    [
        ((1, 3), "-", [False], False),
        ((1, 3), "---", [False, False, True], False),
        ((1, 3), "--+-", [False, False, True, False], True),
        ((2, 1), "+", [False], False),
        ((2, 1), "++", [False, True], True),
        ((2, 1), "+-++", [False, True, False, True], True),
    ],
)
def test_so_many_equal_results_in_a_row_decide(
    thresholds: tuple[int, int], results: str, reached: Sequence[bool], good: bool
) -> None:
    verdict = Verdict(*thresholds, good=False)
    assert [verdict.take(result == "+") for result in results] == reached
    assert verdict.good is good


def test_a_port_is_named_as_the_container_names_it() -> None:
    container = msgspec.convert({"name": "c", "ports": [{"name": "web", "containerPort": 7000}]}, Container)
    assert [port_number(port, container) for port in (80, "81", "web")] == [80, 81, 7000]
    with pytest.raises(ProbeFailed, match=r'"http" is not a name of container c\'s ports \(it has web\)'):
        port_number("http", container)


async def results_of(outcomes: str, *, eager: bool, enough: int, **probe: Any) -> list[Result]:
    """The results that count until there are enough; `outcomes` says how one check after another ends."""
    left = list(outcomes)
    counted: list[Result] = []

    async def check() -> None:
        if left.pop(0) == "-":
            raise ProbeFailed("not yet")

    def take(result: Result) -> bool:
        counted.append(result)
        return len(counted) < enough

    await watch(msgspec.convert(probe, Probe), check, take, FAST, eager=eager)
    return counted


async def test_failures_of_the_hasty_beginning_do_not_use_up_the_threshold() -> None:
    (result,) = await results_of("----+", eager=True, enough=1, periodSeconds=60, failureThreshold=2)
    assert result == Result(True, True, "")


async def test_without_haste_the_first_failure_counts() -> None:
    (result,) = await results_of("-", eager=False, enough=1, periodSeconds=60, failureThreshold=1)
    assert result == Result(False, True, "not yet")
