"""What Ctrl-C does to a command: it ends without a traceback, and says what state it leaves.

Until a command does something, and after it has done everything, Ctrl-C ends the process as if Python were not there:
an exception at these moments would come out of an import, or of the interpreter's own end, as a traceback.
"""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

WHOLE_OR_NOT = "the change was made as a whole, or not at all"
# What an interrupted command leaves, by its name. Commands that only read leave nothing to say.
LEAVES = {
    "apply": f"{WHOLE_OR_NOT}; see: meshmall get all",
    "delete": f"{WHOLE_OR_NOT}; see: meshmall get all",
    "restart": "what was restarted so far goes on being replaced; see: meshmall get pods",
    "down": "the mesh may still be stopping; to finish: meshmall down",
    "branch create": f"{WHOLE_OR_NOT}; see: meshmall branch list",
    "branch delete": f"{WHOLE_OR_NOT}; see: meshmall branch list",
    "branch extend": f"{WHOLE_OR_NOT}; see: meshmall branch list",
    "branch fault": f"{WHOLE_OR_NOT}; see: meshmall branch show NAME",
}
AGAIN = 0.02


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came, and `leaves` is the state in which the command has left things."""

    def __init__(self, leaves: str) -> None:
        super().__init__(leaves)
        self.leaves = leaves


def end_quietly() -> None:
    """From now on Ctrl-C ends the process at once."""
    if not _ignored():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def raise_interrupts() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, which the command can clean up after."""
    if not _ignored():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = _raise_again


@contextmanager
def postponed() -> Iterator[None]:
    """Cleans up undisturbed: whoever presses Ctrl-C twice would otherwise leave half of it."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def state_left(interrupt: KeyboardInterrupt, words: Sequence[str]) -> str:
    """What an interrupted command line leaves; "" when there is nothing to say."""
    if isinstance(interrupt, Interrupted):
        return interrupt.leaves
    names = [word for word in words if not word.startswith("-")]
    return LEAVES.get(" ".join(names[:2]), LEAVES.get(names[0] if names else "", ""))


def _ignored() -> bool:
    """A shell starts commands in the background with SIGINT ignored: Ctrl-C is not for them."""
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def _raise_again(unraisable: Any) -> None:
    """Python prints and drops exceptions that come in finalizers. An interrupt must not get lost there."""
    if unraisable.exc_type is None or not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, AGAIN)
