"""Tags become colours on a terminal and disappear elsewhere; what is no tag is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshmall.cli.markup import escape, styled


@pytest.mark.parametrize(
    ("markup", "plain", "coloured"),
    [
        ("[bold]a[/] b", "a b", "\x1b[1ma\x1b[0m b"),
        ("[dim]3 ms[/]", "3 ms", "\x1b[2m3 ms\x1b[0m"),
        ("spec.http[1] [x] []", "spec.http[1] [x] []", "spec.http[1] [x] []"),
        (r"\[bold] \\[red]", r"[bold] " + "\\", "[bold] \\\x1b[31m"),
    ],
)
def test_markup(markup: str, plain: str, coloured: str) -> None:
    assert styled(markup, colour=False) == plain
    assert styled(markup, colour=True) == coloured


@given(st.lists(st.sampled_from(["\\", "[", "]", "/", "bold", "x", "é"])).map("".join))
def test_escaped_text_is_printed_as_it_is(text: str) -> None:
    assert styled(escape(text), colour=True) == text
