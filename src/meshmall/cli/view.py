"""What a command prints: steps with their times, tables, failures.

A terminal gets colour and a spinner, a pipe or file plain lines. Rich is imported for tables, trees and spinners only:
other commands, such as `meshmall get` and `meshmall status`, start 40 ms earlier without it.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from meshmall.cli.markup import escape, styled

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDEST = 1_000


class View:
    """Writes to stdout; failures and warnings go to stderr."""

    def __init__(self) -> None:
        self._remarks_go_to_stderr = False

    def only_data(self) -> None:
        """From now on stdout has nothing but `plain` text: steps and remarks go to stderr."""
        self._remarks_go_to_stderr = True

    @property
    def _remarks(self) -> TextIO:
        return sys.stderr if self._remarks_go_to_stderr else sys.stdout

    @cached_property
    def out(self) -> "Console":
        """The console for results."""
        return _console(sys.stdout)

    @property
    def is_terminal(self) -> bool:
        """Whether results appear on a terminal, where something can be shown that changes."""
        return _is_terminal(sys.stdout)

    @contextmanager
    def step(self, doing: str) -> Iterator["Step"]:
        """Shows what is in progress, then the result and how many milliseconds it took."""
        step = Step(doing)
        begun = time.perf_counter()
        with self.spinner(doing):
            yield step
        took = (time.perf_counter() - begun) * 1000
        mark = "[green]✓[/]" if _is_terminal(self._remarks) and _writes(self._remarks, "✓") else "ok"
        self.say(f"{mark} {escape(step.result)} [dim]{took:,.0f} ms[/]")

    @contextmanager
    def spinner(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Shows what is in progress on a terminal, and removes it at the end. Yields what replaces the text."""
        if not _is_terminal(self._remarks):
            yield lambda _: None
            return
        from rich.markup import escape as escape_for_rich  # noqa: PLC0415 - see the module

        frames = "dots" if _writes(self._remarks, "⠋") else "line"
        with _console(self._remarks).status(escape_for_rich(doing) + " ...", spinner=frames) as status:
            yield lambda text: status.update(escape_for_rich(text) + " ...")

    def say(self, markup: str = "") -> None:
        """Prints a line with the tags of `meshmall.cli.markup`."""
        self._remarks.write(styled(markup, colour=_has_colour(self._remarks)) + "\n")

    def plain(self, text: str) -> None:
        """Writes text unchanged, for other programs to read."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def flush(self) -> None:
        """Shows what was written so far, also to a pipe."""
        sys.stdout.flush()

    def warn(self, text: str) -> None:
        _complain(f"[yellow]warning:[/] {escape(text)}")

    def hint(self, text: str) -> None:
        _complain(f"[cyan]hint:[/] {escape(text)}")

    def failure(self, message: str, remedy: str = "") -> None:
        _complain(f"[red]error:[/] {escape(message)}")
        if remedy:
            _complain(f"[dim]  {escape(remedy)}[/]")

    def render(self, renderable: "RenderableType") -> None:
        """Prints a rich renderable such as a tree: wrapped on a terminal, in unbroken lines into a pipe."""
        if self.is_terminal:
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

    class PassingOn(Console):
        """Rich's own answer to a closed pipe is exit code 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PassingOn(file=file, highlight=False, soft_wrap=True, width=width)


def _complain(markup: str) -> None:
    if sys.stdout is not None:  # its reader may have gone
        sys.stdout.flush()  # what was printed before appears before
    sys.stderr.write(styled(markup, colour=_has_colour(sys.stderr)) + "\n")


def _is_terminal(file: TextIO) -> bool:
    return file.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def _has_colour(file: TextIO) -> bool:
    """As https://no-color.org has it."""
    return _is_terminal(file) and not os.environ.get("NO_COLOR")


def _writes(file: TextIO, text: str) -> bool:
    """Whether the terminal's encoding has these characters."""
    try:
        text.encode(file.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
