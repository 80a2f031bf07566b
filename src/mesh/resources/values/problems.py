"""What can be wrong with an object: as values, and as the exception that carries them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mesh.resources.values.ref import Ref


class Reason(StrEnum):
    """What sort of problem a field has: the `reason` of Kubernetes' StatusCause (meta/v1), and what comes before it."""

    INVALID = "FieldValueInvalid"
    REQUIRED = "FieldValueRequired"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    DUPLICATE = "FieldValueDuplicate"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    TYPE_INVALID = "FieldValueTypeInvalid"
    NOT_FOUND = "FieldValueNotFound"

    MALFORMED = "malformed"
    """Not a cause: no object can be read from it, so that Kubernetes answers 400 and looks no further."""

    UNKNOWN = "unknown"
    """The same for a field that the kind does not have."""

    NOT_ADMITTED = "not admitted"
    """Not a cause either: what the object refers to does not exist, for which Kubernetes answers 403."""

    @property
    def ends_reading(self) -> bool:
        """Whether the object cannot be read at all (400), in contrast to one with a wrong value (422)."""
        return self in (Reason.MALFORMED, Reason.UNKNOWN)


@dataclass(frozen=True, slots=True)
class FieldError:
    """`path` is the field's, as `spec.http[1].route[0].destination.subset`; `ref` the object, when known."""

    path: str
    message: str
    ref: Ref | None = None
    reason: Reason = Reason.INVALID

    def of(self, ref: Ref) -> "FieldError":
        """The same error, of this object."""
        return replace(self, ref=ref)

    def __str__(self) -> str:
        where = f"{self.path}: {self.message}" if self.path else self.message
        return f"{self.ref}: {where}" if self.ref else where


def required(path: str, message: str = "is missing") -> FieldError:
    """A field without a value that needs one."""
    return FieldError(path, message, reason=Reason.REQUIRED)


def not_supported(path: str, message: str) -> FieldError:
    """A value that is none of those that the field can have."""
    return FieldError(path, message, reason=Reason.NOT_SUPPORTED)


def forbidden(path: str, message: str) -> FieldError:
    """A field that may not be set, or not be changed."""
    return FieldError(path, message, reason=Reason.FORBIDDEN)


def duplicate(path: str, value: str | int) -> FieldError:
    """A value that another member of the same list has."""
    shown = value if isinstance(value, int) else f'"{value[:80]}"'
    return FieldError(path, f"duplicate {shown}", reason=Reason.DUPLICATE)


def malformed(path: str, message: str) -> FieldError:
    """A value that cannot be read as the field's type."""
    return FieldError(path, message, reason=Reason.MALFORMED)


class Invalid(Exception):
    """Refuses objects, with every reason. Nothing has been changed."""

    def __init__(self, errors: Sequence[FieldError], source: str = "") -> None:
        self.errors = tuple(errors)
        self.source = source
        super().__init__("\n".join(f"{source}: {error}" if source else str(error) for error in errors))


def meant(word: str, valid: Iterable[str]) -> str:
    """`; did you mean "x"?` for a misspelt word, or the valid words when there are few; otherwise ""."""
    import difflib  # noqa: PLC0415 - only a mistake needs it, and every command would pay for it

    names = sorted(valid)
    similar = difflib.get_close_matches(word, names, 1, 0.6)
    if similar:
        return f'; did you mean "{similar[0]}"?'
    return f" (valid: {', '.join(names)})" if 0 < len(names) <= 8 else ""
