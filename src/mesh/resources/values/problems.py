"""What can be wrong with an object: as values, and as the exception that carries them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mesh.resources.values.ref import Ref


@dataclass(frozen=True, slots=True)
class FieldError:
    """`path` is the field's, as `spec.http[1].route[0].destination.subset`; `ref` the object, when known."""

    path: str
    message: str
    ref: Ref | None = None

    def __str__(self) -> str:
        where = f"{self.path}: {self.message}" if self.path else self.message
        return f"{self.ref}: {where}" if self.ref else where


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
