"""What a command prints: steps with their times, tables, failures.

A terminal gets colour and a spinner (rich), a pipe or file plain lines. Rich is imported when something is printed that
has markup: commands such as `meshmall get`, which print plain text, start 25 ms earlier without it.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDEST = 1_000


class View:
    """Writes to stdout; failures and warnings go to stderr."""

    @cached_property
    def out(self) -> "Console":
        """The console for results."""
        return _console(sys.stdout)

    @cached_property
    def err(self) -> "Console":
        """The console for failures, warnings and hints."""
        return _console(sys.stderr)

    @contextmanager
    def step(self, doing: str) -> Iterator["Step"]:
        """Shows what is in progress, then the result and how many milliseconds it took."""
        step = Step(doing)
        begun = time.perf_counter()
        if self.out.is_terminal:
            with self.out.status(_escape(doing) + " ..."):
                yield step
        else:
            yield step
        took = (time.perf_counter() - begun) * 1000
        mark = "[green]✓[/]" if self.out.is_terminal else "ok"
        self.out.print(f"{mark} {_escape(step.result)} [dim]{took:,.0f} ms[/]")

    def say(self, text: str = "") -> None:
        from rich.text import Text  # noqa: PLC0415 - see the module

        self.out.print(Text.from_markup(text) if text else "")

    def plain(self, text: str) -> None:
        """Writes text unchanged, for other programs to read."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def flush(self) -> None:
        """Shows what was written so far, also to a pipe."""
        self.out.file.flush()

    def warn(self, text: str) -> None:
        self.err.print(f"[yellow]warning:[/] {_escape(text)}")

    def hint(self, text: str) -> None:
        self.err.print(f"[cyan]hint:[/] {_escape(text)}")

    def failure(self, message: str, remedy: str = "") -> None:
        self.err.print(f"[red]error:[/] {_escape(message)}")
        if remedy:
            self.err.print(f"  {_escape(remedy)}", style="dim")

    def render(self, renderable: "RenderableType") -> None:
        """Prints a rich renderable such as a tree: wrapped on a terminal, in unbroken lines into a pipe."""
        if self.out.is_terminal:
            self.out.print(renderable, soft_wrap=False)
        else:
            _console(sys.stdout, width=WIDEST).print(renderable, soft_wrap=False)

    def columns(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints a table as kubectl does: aligned columns, no frame."""
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        for row in (header, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.plain("   ".join(cells).rstrip())

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints a framed table for people; cells may have rich's markup."""
        from rich.box import ROUNDED  # noqa: PLC0415 - see the module
        from rich.table import Table  # noqa: PLC0415

        table = Table(title=title, title_justify="left", box=ROUNDED, title_style="bold", pad_edge=True)
        for name in header:
            table.add_column(name, no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self.out.print(table)


class Step:
    """A step in progress; set `result` to change what is printed at its end."""

    def __init__(self, doing: str) -> None:
        self.result = doing


def _console(file: TextIO, width: int | None = None) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - see the module

    return Console(file=file, highlight=False, soft_wrap=True, width=width)


def _escape(text: str) -> str:
    from rich.markup import escape  # noqa: PLC0415 - see the module

    return escape(text)
