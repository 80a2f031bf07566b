"""What a walk over an object's JSON finds, and how a value is shown in a message."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from mesh.resources.values.problems import FieldError, Reason, malformed

MOST_ERRORS = 50


@dataclass(slots=True)
class Findings:
    """What was found on the walk: errors, unknown fields, and the paths of fields without effect."""

    errors: list[FieldError] = field(default_factory=list)
    unknown: list[FieldError] = field(default_factory=list)
    inert: list[str] = field(default_factory=list)

    def wrong(self, path: str, message: str) -> None:
        self.add(malformed(path, message))

    def add(self, error: FieldError) -> None:
        kind = self.unknown if error.reason is Reason.UNKNOWN else self.errors
        if len(kind) < MOST_ERRORS:
            kind.append(error)


def shown(value: Any) -> str:
    """A value as a message shows it: JSON, cut after 60 characters."""
    text = msgspec.json.encode(value, enc_hook=str).decode() if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 60 else text[:57] + "..."
