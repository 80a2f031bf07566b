"""Connections of clients that have not authenticated yet: how many there may be, and which one gives way.

Everybody on the machine can open connections, and a connection costs a descriptor long before anybody knows whose it
is. So they are few compared with those of authenticated clients, and when they are too many the oldest one of whoever
has the most is closed: a client that goes on to authenticate does so within milliseconds and hardly ever is the oldest,
while one that only holds connections loses them. The kernel knows the user at the other end, hence bounds per user.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# The user at the other end is not known.
UNKNOWN = -1


class Closable(Protocol):
    """A connection that can be given up."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ArrivalBounds:
    """How many connections may wait for authentication: in all, and of one user who is not the mesh's own."""

    most: int = 256
    most_per_user: int = 64


class Arrivals:
    """The connections that wait for authentication. Pure: it decides, and the caller's `close` acts."""

    def __init__(self, bounds: ArrivalBounds, own_user: Callable[[], int] = os.geteuid) -> None:
        self._bounds = bounds
        self._own = own_user()
        # In the order of their arrival.
        self._users: dict[Closable, int] = {}
        self._counts: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._users)

    def enter(self, connection: Closable, user: int) -> None:
        """Takes a new connection in and closes the one that has to give way, if any."""
        self._users[connection] = user
        self._counts[user] += 1
        if user != self._own and self._counts[user] > self._bounds.most_per_user:
            self._close_oldest(user)
        elif len(self._users) > self._bounds.most:
            self._close_oldest(self._heaviest())

    def leave(self, connection: Closable) -> None:
        """Forgets a connection that has authenticated, or is closed. Idempotent."""
        user = self._users.pop(connection, None)
        if user is not None:
            self._counts[user] -= 1
            if not self._counts[user]:
                del self._counts[user]

    def _heaviest(self) -> int:
        """Who gives way: whoever has the most, and the mesh's own user only when nobody else is there."""
        return max(self._counts, key=lambda user: (user != self._own, self._counts[user]))

    def _close_oldest(self, user: int) -> None:
        oldest = next(connection for connection, owner in self._users.items() if owner == user)
        self.leave(oldest)
        oldest.close()
