"""Ctrl-C: what a command leaves, and that an interrupt is never lost."""

import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from meshmall.cli.interrupts import Interrupted, end_quietly, postponed, raise_interrupts, state_left


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restores what the functions change."""
    numbers = (signal.SIGINT, signal.SIGALRM)
    former, hook = [signal.getsignal(number) for number in numbers], sys.unraisablehook
    # Whoever started the tests in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    sys.unraisablehook = hook
    for number, handler in zip(numbers, former, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("words", "leaves"),
    [
        (["apply", "-f", "x.yaml"], "the change was made as a whole, or not at all; see: meshmall get all"),
        (["branch", "create", "fox"], "the change was made as a whole, or not at all; see: meshmall branch list"),
        (["--home", "x", "down"], ""),
        (["down"], "the mesh may still be stopping; to finish: meshmall down"),
        (["status"], ""),
        ([], ""),
    ],
)
def test_a_command_says_what_it_leaves(words: list[str], leaves: str) -> None:
    assert state_left(KeyboardInterrupt(), words) == leaves


def test_what_the_command_itself_knows_comes_first() -> None:
    assert state_left(Interrupted("no mesh is running"), ["apply"]) == "no mesh is running"


def test_before_and_after_the_command_the_process_just_ends() -> None:
    raise_interrupts()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    end_quietly()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_a_command_in_the_background_goes_on() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_interrupts()
    end_quietly()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_cleaning_up_is_not_interrupted() -> None:
    raise_interrupts()
    with postponed():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_python_would_drop_comes_again() -> None:
    raise_interrupts()
    with pytest.raises(KeyboardInterrupt):
        sys.unraisablehook(cast(Any, SimpleNamespace(exc_type=KeyboardInterrupt)))
        signal.pause()
