"""The parts of a report, which are the same as Markdown and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with lines of text, then a table, then text as it is. What is empty is left out."""

    title: str
    lines: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A report. `problems` are what is wrong, one sentence each."""

    title: str
    summary: Sequence[tuple[str, str]] = ()
    problems: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
