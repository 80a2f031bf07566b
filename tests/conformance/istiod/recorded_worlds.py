"""Drawn worlds with what istiod's Envoy answered, recorded so that the tests need no Go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.istiod.answers import Answer
from tests.conformance.istiod.judging import Row
from tests.conformance.istiod.recorded_lines import lines, write_lines
from tests.conformance.istiod.worlds import World

Json = dict[str, Any]
NAME = "answers"


@dataclass(frozen=True, slots=True)
class Recording:
    """`istio` is the version of the module that was asked."""

    istio: str
    worlds: Sequence[tuple[World, Sequence[Row]]]


def recorded() -> Recording:
    """What is recorded."""
    head, *rows = lines(NAME)
    return Recording(head["istio"], [_world(row) for row in rows])


def _world(row: Json) -> tuple[World, list[Row]]:
    world = World(row["kind"], row["objects"], row["requests"])
    return world, [
        Row(world, number, tuple(Answer(**answer) for answer in answers))
        for number, answers in enumerate(row["answers"])
    ]


def record(recording: Recording) -> None:
    """Replaces what is recorded."""
    rows = [
        {**world.recorded(), "answers": [[answer.recorded() for answer in row.answers] for row in answered]}
        for world, answered in recording.worlds
    ]
    write_lines(NAME, [{"istio": recording.istio}, *rows])
