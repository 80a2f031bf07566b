"""Events of events.k8s.io/v1: core/v1's Events with other names for some fields, and more that they must have.

As Kubernetes converts and checks them (pkg/apis/core/v1/conversion.go, pkg/apis/core/validation/events.go).
"""

from collections.abc import Iterator

from mesh.resources.events.types import Event
from mesh.resources.validation.defaults import fill_event
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, not_supported, required
from mesh.resources.values.ref import GroupKind

GROUP = "events.k8s.io"
CORE = GroupKind("", "Event")
TYPES = ("Normal", "Warning")
LONGEST = {"reason": 128, "action": 128, "reporting_instance": 128, "note": 1024}
CORE_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
}
"""The fields of events.k8s.io/v1 that core/v1 has under other names."""

EVENTS_NAMES = {core: name for name, core in CORE_NAMES.items()}


def to_core(body: Body) -> Body:
    """An Event of events.k8s.io/v1 as one of core/v1."""
    converted = {**{CORE_NAMES.get(name, name): value for name, value in body.items()}, "apiVersion": "v1"}
    fill_event(converted)
    return converted


def from_core(body: Body) -> Body:
    """The opposite: a stored Event as events.k8s.io/v1 shows it."""
    return {**{EVENTS_NAMES.get(name, name): value for name, value in body.items()}, "apiVersion": f"{GROUP}/v1"}


def check_new_event(event: Event) -> Iterator[FieldError]:
    """What a new Event lacks. Fields are named as Kubernetes does it: as core/v1 has them."""
    if not event.event_time:
        yield required("eventTime")
    if event.type not in TYPES:
        yield not_supported("type", f'"{event.type[:80]}" is neither Normal nor Warning')
    for name in ("reason", "action", "reporting_controller", "reporting_instance"):
        if not getattr(event, name):
            yield required(_camel(name))
    for name, longest in LONGEST.items():
        if len(getattr(event, name)) > longest:
            path = "message" if name == "note" else _camel(name)
            yield FieldError(path, f"is longer than {longest} characters")
    unset = {
        "firstTimestamp": event.deprecated_first_timestamp,
        "lastTimestamp": event.deprecated_last_timestamp,
        "count": event.deprecated_count,
        "source": event.deprecated_source.component or event.deprecated_source.host,
    }
    for name, value in unset.items():
        if value:
            yield FieldError(name, f'is for Events of core/v1; leave out "deprecated{name[0].upper()}{name[1:]}"')


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
