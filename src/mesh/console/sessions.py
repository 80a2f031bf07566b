"""How a browser is let in: a code that is good once and for a minute, and the cookie that it is changed for.

Whoever holds the API's token gets codes. The token itself never reaches the browser.
"""

import hashlib
import secrets
import time
from collections.abc import Callable

CODE_LIVES = 60.0
SESSION_LIVES = 12 * 3600.0
MOST_CODES, MOST_SESSIONS = 32, 64
BYTES = 32


class Sessions:
    """Codes and sessions, in memory alone: the daemon's end ends them. Only digests are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: dict[bytes, float] = {}
        self._sessions: dict[bytes, float] = {}

    def code(self) -> str:
        """A new code."""
        return self._put(self._codes, CODE_LIVES, MOST_CODES)

    def enter(self, code: str) -> str | None:
        """A session for a code, which is spent; None for one that is not good."""
        ends = self._codes.pop(_digest(code), 0.0)
        return self._put(self._sessions, SESSION_LIVES, MOST_SESSIONS) if ends > self._clock() else None

    def knows(self, session: str) -> bool:
        return self._sessions.get(_digest(session), 0.0) > self._clock()

    def _put(self, held: dict[bytes, float], lives: float, most: int) -> str:
        made = secrets.token_urlsafe(BYTES)
        now = self._clock()
        for digest in [each for each, ends in held.items() if ends <= now]:
            del held[digest]
        while len(held) >= most:
            del held[next(iter(held))]
        held[_digest(made)] = now + lives
        return made


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
