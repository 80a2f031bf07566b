"""A hop: one request passing one of Envoy's listeners, and the ring that keeps the most recent ones."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

import msgspec

MOST_HOPS = 20_000


class Hop(msgspec.Struct, frozen=True, gc=False):
    """Times are in seconds since the epoch. `listener` is where the request came in, "address:port"; `upstream` the
    pod's port that answered, "" if none did. `request_id` is Envoy's `x-request-id`, which a program may propagate, as
    it may `traceparent`; both as programs see them, with the mark of a branch. `original_trace` is the trace id that a
    client had sent, where the gateway has replaced it. `branch` is what the request carried when it was routed, "" for
    none; `fallback` are the services of the branch that the baseline answered for, which the gateway reports for the
    request as a whole.

    A TCP connection is a hop, too (`protocol` "tcp"): without a request, its bytes since it was last reported. It is
    `opened` in the first report of a connection alone.
    """

    # gc=False: there are tens of thousands, and none of them can be part of a reference cycle.

    start: float
    duration: float
    listener: str
    upstream: str
    cluster: str
    route: str
    method: str
    authority: str
    path: str
    status: int
    flags: str
    request_id: str
    traceparent: str
    branch: str
    request_bytes: int = 0
    response_bytes: int = 0
    fallback: tuple[str, ...] = ()
    protocol: str = "http"
    opened: bool = False
    original_trace: str = ""

    @property
    def is_tcp(self) -> bool:
        return self.protocol == "tcp"

    @property
    def end(self) -> float:
        return self.start + self.duration


class Ring:
    """The most recent hops, in the order in which they ended. A reader keeps its place, a number that only grows.

    `malformed` counts the reports that were none.
    """

    def __init__(self, most: int = MOST_HOPS) -> None:
        self._hops: deque[Hop] = deque(maxlen=most)
        self.count = 0
        self.malformed = 0

    def add(self, hop: Hop) -> None:
        self._hops.append(hop)
        self.count += 1

    def since(self, place: int) -> list[Hop]:
        """The hops after a place, as far as the ring still has them."""
        new = min(self.count - place, len(self._hops))
        return list(islice(self._hops, len(self._hops) - new, None)) if new > 0 else []

    def __iter__(self) -> Iterator[Hop]:
        return iter(tuple(self._hops))
