"""What Istio's kinds share: string matches, port selectors, the status."""

from typing import Any

from mesh.resources.values.meta import Condition, Part

# gRPC's statuses in the order of their numbers (gRPC, doc/statuscodes.md).
_STATUSES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
)
GRPC_STATUSES = {name: number for number, name in enumerate(_STATUSES.split())}


class StringMatch(Part, frozen=True):
    """Exactly one is set; `regex` is RE2 and must match the whole value."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None


class PortSelector(Part, frozen=True):
    number: int = 0


class Percent(Part, frozen=True):
    """0 to 100."""

    value: float = 0.0


class IstioStatus(Part, frozen=True):
    conditions: list[Condition] = []
    validation_messages: list[dict[str, Any]] = []
    observed_generation: str | int | None = None
