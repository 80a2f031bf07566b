"""Event as events.k8s.io/v1 has it; core/v1 (`mesh.resources.core.config`) is the form in which it is stored."""

from typing import Any

from msgspec import field

from mesh.resources.core.config import EventSource, ObjectReference
from mesh.resources.values.meta import Resource


class Event(Resource, frozen=True):
    """What happened to an object, `regarding`. The deprecated fields are those of core/v1."""

    regarding: ObjectReference = field(default_factory=ObjectReference)
    related: ObjectReference | None = None
    type: str = ""
    reason: str = ""
    action: str = ""
    note: str = ""
    event_time: str | None = None
    series: dict[str, Any] | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    deprecated_source: EventSource = field(default_factory=EventSource)
    deprecated_count: int = 0
    deprecated_first_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
