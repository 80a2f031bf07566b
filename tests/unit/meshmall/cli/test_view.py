"""What is printed into a pipe: plain lines, aligned columns, failures on stderr."""

import pytest
from rich.tree import Tree

from meshmall.cli.view import View


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    View().columns(("NAME", "READY"), [["a", "1/1"], ["long-name", "0/10"]])
    assert capsys.readouterr().out == "NAME        READY\na           1/1\nlong-name   0/10\n"


def test_a_pipe_gets_neither_colour_nor_broken_lines(capsys: pytest.CaptureFixture[str]) -> None:
    view = View()
    tree = Tree("top")
    tree.add("x" * 300)
    view.render(tree)
    view.say("[bold]a[/] b")
    view.plain("[not markup]")
    with view.step("doing") as step:
        step.result = "done [a]"
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == ["top", "└── " + "x" * 300, "a b", "[not markup]"]
    assert lines[4].startswith("ok done [a] ")


def test_what_went_wrong_goes_to_stderr_with_what_helps(capsys: pytest.CaptureFixture[str]) -> None:
    view = View()
    view.failure("no [mesh]", "start one")
    view.warn("careful [x]")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: no [mesh]\n  start one\nwarning: careful [x]\n"
