"""How a browser signs in: with a code that works once, within a minute, and is exchanged for a session cookie.

Whoever has the API's token can get codes. The token itself never reaches the browser.
"""

import hashlib
import secrets
import time
from collections.abc import Callable

CODE_LIFETIME = 60.0
SESSION_LIFETIME = 12 * 3600.0
MOST_CODES, MOST_SESSIONS = 32, 64
BYTES = 32


class Sessions:
    """Codes and sessions, only in memory: they end with the daemon. Only digests are stored."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: dict[bytes, float] = {}
        self._sessions: dict[bytes, float] = {}

    def code(self) -> str:
        """A new code."""
        return self._put(self._codes, CODE_LIFETIME, MOST_CODES)

    def enter(self, code: str) -> str | None:
        """Exchanges a code for a session; None when the code is used, expired or unknown."""
        expires = self._codes.pop(_digest(code), 0.0)
        return self._put(self._sessions, SESSION_LIFETIME, MOST_SESSIONS) if expires > self._clock() else None

    def knows(self, session: str) -> bool:
        return self._sessions.get(_digest(session), 0.0) > self._clock()

    def _put(self, entries: dict[bytes, float], lifetime: float, most: int) -> str:
        token = secrets.token_urlsafe(BYTES)
        now = self._clock()
        for digest in [key for key, expires in entries.items() if expires <= now]:
            del entries[digest]
        while len(entries) >= most:
            del entries[next(iter(entries))]
        entries[_digest(token)] = now + lifetime
        return token


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
