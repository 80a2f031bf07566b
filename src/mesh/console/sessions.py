"""How a browser signs in: with a code that works once, within a minute, and is exchanged for a session cookie.

Whoever has the API's token can get codes. The token itself never reaches the browser.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping

CODE_LIFETIME = 60.0
SESSION_LIFETIME = 12 * 3600.0
MOST_CODES, MOST_SESSIONS = 32, 64
BYTES = 32


class Sessions:
    """Codes and sessions, of which only digests are stored. Codes end with the daemon, sessions outlive it: `earlier`
    are the digests that it had, with their ends (seconds since 1970), and `changed` is called with all of them.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        earlier: Mapping[str, float] | None = None,
        changed: Callable[[Mapping[str, float]], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._codes: dict[str, float] = {}
        self._sessions: dict[str, float] = dict(earlier or {})
        self._changed = changed

    def code(self) -> str:
        """A new code."""
        return self._put(self._codes, CODE_LIFETIME, MOST_CODES)

    def enter(self, code: str) -> str | None:
        """Exchanges a code for a session; None when the code is used, expired or unknown."""
        expires = self._codes.pop(_digest(code), 0.0)
        if expires <= self._clock():
            return None
        session = self._put(self._sessions, SESSION_LIFETIME, MOST_SESSIONS)
        self._changed(dict(self._sessions))
        return session

    def knows(self, session: str) -> bool:
        return self._sessions.get(_digest(session), 0.0) > self._clock()

    def _put(self, entries: dict[str, float], lifetime: float, most: int) -> str:
        token = secrets.token_urlsafe(BYTES)
        now = self._clock()
        for digest in [key for key, expires in entries.items() if expires <= now]:
            del entries[digest]
        while len(entries) >= most:
            del entries[next(iter(entries))]
        entries[_digest(token)] = now + lifetime
        return token


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
