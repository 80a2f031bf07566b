"""Options in front of a command's name are that command's."""

import pytest

from meshmall.cli.app import app
from meshmall.cli.words import with_options_last


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("get pods -n shop", "get pods -n shop"),
        ("-n shop get pods", "get -n shop pods"),
        ("--home=/tmp/h -nshop branch list -A", "branch list --home=/tmp/h -nshop -A"),
        ("-n one branch --home h run -n two fox -- ls -n", "branch run -n one --home h -n two fox -- ls -n"),
        ("-X POST trace / -H a:b", "trace -X POST / -H a:b"),
        ("-XPOST --header a:b branch diff fox", "branch diff -XPOST --header a:b fox"),
    ],
)
def test_they_move_behind_it(before: str, after: str) -> None:
    assert with_options_last(app, before.split()) == after.split()


@pytest.mark.parametrize(
    "line", ["", "-n", "-n shop", "--version", "-n shop --help", "gte -n shop", "branch gte", "-o get"]
)
def test_words_without_a_command_stay_as_they_are(line: str) -> None:
    assert with_options_last(app, line.split()) == line.split()
