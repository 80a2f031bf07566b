"""Worlds that a real istiod has judged: the interpreter, `meshmall route` and our own Envoy say the same.

`make referee-rules RECORD=1` renews what is recorded.
"""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from tests.conformance.istiod.deviations import deviation_of
from tests.conformance.istiod.judging import Difference, Ours, Row
from tests.conformance.istiod.recorded_worlds import recorded
from tests.conformance.istiod.worlds import World
from tests.conformance.rig import Rig

SAMPLE = 20
Judged = tuple[World, Sequence[Row]]


async def differences(rig: Rig, worlds: Iterable[Judged], *, envoy: bool) -> list[Difference]:
    ours = Ours(rig)
    return [
        difference
        for world, rows in worlds
        async for difference in ours.differences(world, rows, envoy=envoy)
        if deviation_of(difference) is None
    ]


def lines(found: Sequence[Difference]) -> str:
    return "\n".join(
        f"{item.who}: {item.request} {item.istiod} {item.here}\n{item.world.objects}" for item in found[:3]
    )


def test_the_interpreter_and_route_answer_as_istiod(rig: Rig, runner: asyncio.Runner) -> None:
    found = runner.run(differences(rig, recorded().worlds, envoy=False))
    assert not found, f"{len(found)} differ\n{lines(found)}"


def test_a_sample_of_worlds_is_answered_by_our_envoy_as_by_istiod_s(rig: Rig, runner: asyncio.Runner) -> None:
    found = runner.run(differences(rig, recorded().worlds[::SAMPLE], envoy=True))
    assert not found, f"{len(found)} differ\n{lines(found)}"


@pytest.mark.slow
def test_every_world_is_answered_by_our_envoy_as_by_istiod_s(rig: Rig, runner: asyncio.Runner) -> None:
    found = runner.run(differences(rig, recorded().worlds, envoy=True))
    assert not found, f"{len(found)} differ\n{lines(found)}"
