"""Where requests are answered otherwise than by istiod on purpose, each with its reason and both answers.

A difference that is none of these fails `make referee-rules` and the tests. docs/conformance.md lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.istiod.judging import Difference

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deviation:
    """`applies` decides from the world and the request, not from the answers alone."""

    what: str
    istiod: str
    here: str
    why: str
    applies: Callable[[Difference], bool]


def _missing_with_headers(difference: Difference) -> bool:
    """A route whose only destination is no Service, with headers of that destination."""
    return "'status': 503" in difference.istiod and any(
        len(route.get("route", [])) == 1
        and route["route"][0]["destination"]["host"].startswith("nobody")
        and "response" in route["route"][0].get("headers", {})
        for body in difference.world.objects
        for route in body["spec"].get("http", [])
    )


DEVIATIONS = (
    Deviation(
        "headers of a single destination whose Service is missing",
        "503 with the response headers that the destination sets",
        "503 that names the missing Service, without them",
        "nothing was reached that could have set them, and the name says what to do",
        _missing_with_headers,
    ),
)


def deviation_of(difference: Difference) -> Deviation | None:
    """Why this difference is there on purpose; None when it is not."""
    return next((deviation for deviation in DEVIATIONS if deviation.applies(difference)), None)
