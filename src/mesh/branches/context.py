"""Where a branch is lost: a request of a branch enters a program, and the program's calls leave without it.

The most common failure in practice is a program that silently does not propagate the context. Envoy sees every request
into a pod and every call out of it. A call without a branch is attributed

- by its `x-request-id` or trace, if the program propagates those: to the request with the same one;
- otherwise by time: if every request that the pod was handling at that moment was in a branch, so was the call.

Only what is certain is reported.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses, Workload
from mesh.resources.meshmall.marks import unmarked

# Seconds. Hops are reported when they end: a call is judged only when the request that caused it must have been, too.
SETTLE = 3.0
KEEP = 15.0


@dataclass(frozen=True, slots=True)
class Lost:
    """One call that left its branch: the program that made it, what that was handling, and what it called."""

    branch: str
    workload: Workload
    handled: str
    called: str
    when: float

    def __str__(self) -> str:
        return (
            f"{self.workload.service} ({self.workload.owner}) handled {self.handled} of branch {self.branch}, "
            f"and called {self.called} without it"
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A call that stayed in its branch, and the program that made it."""

    branch: str
    workload: Workload
    when: float


class _Handled:
    """The requests into one pod in the last seconds, by start. `longest` is the longest duration among them."""

    def __init__(self) -> None:
        self.hops: list[Hop] = []
        self._new = 0
        self.longest = 0.0
        self.last_branch = 0.0

    def add(self, hop: Hop) -> None:
        self.hops.append(hop)
        self._new += 1
        self.longest = max(self.longest, hop.duration)
        if hop.branch:
            self.last_branch = max(self.last_branch, hop.end)

    def at(self, moment: float) -> list[Hop]:
        """The requests that the pod was handling at a moment."""
        first = bisect_left(self.hops, moment - self.longest, key=_start)
        last = bisect_right(self.hops, moment, key=_start)
        return [hop for hop in self.hops[first:last] if hop.end >= moment]

    def settle(self) -> None:
        """Sorts in what was added: a hop that is reported late started at most `longest` earlier."""
        if self._new:
            added = self.hops[-self._new :]
            first = bisect_left(self.hops, min(map(_start, added)), 0, len(self.hops) - self._new, key=_start)
            self.hops[first:] = sorted(self.hops[first:], key=_start)
            self._new = 0

    def forget(self, before: float) -> None:
        del self.hops[: bisect_left(self.hops, before - self.longest, key=_start)]
        if not self.hops:
            self.longest = 0.0


def _start(hop: Hop) -> float:
    return hop.start


class ContextWatch:
    """Takes hops as they are reported, and finds the calls that lost or kept their branch.

    Most requests have nothing to do with any branch: those cost one look-up.
    """

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._handled: dict[str, _Handled] = defaultdict(_Handled)
        self._waiting: list[tuple[Workload, Hop]] = []

    def take(self, hops: Iterable[Hop], now: float) -> tuple[list[Lost], list[Kept]]:
        """What has become certain with these hops."""
        self._addresses.follow()
        for hop in hops:
            if hop.is_tcp:
                # Bytes carry no branch: there is nothing that a program could lose.
                continue
            destination = self._addresses.destination(hop)
            if destination is not None:
                self._handled[destination.pod].add(hop)
            source = self._addresses.source(hop)
            if source is not None:
                self._waiting.append((source, hop))
        due = [pair for pair in self._waiting if pair[1].end <= now - SETTLE]
        self._waiting = [pair for pair in self._waiting if pair[1].end > now - SETTLE]
        for handled in self._handled.values():
            handled.settle()
        lost, propagated = [], []
        for workload, hop in due:
            if hop.branch:
                propagated.append(Kept(hop.branch, workload, hop.start))
            elif (cause := self._cause(workload, hop)) is not None:
                request, called = f"{cause.method} {cause.path}", f"{hop.method} http://{hop.authority}{hop.path}"
                lost.append(Lost(cause.branch, workload, request, called, hop.start))
        self._forget(now - KEEP)
        return lost, propagated

    def _cause(self, workload: Workload, call: Hop) -> Hop | None:
        """The request of a branch that caused this call; None when there is none, or it is not certain."""
        handled = self._handled.get(workload.pod)
        if handled is None or handled.last_branch < call.start:
            return None
        handling = handled.at(call.start)
        same = [hop for hop in handling if _same_request(hop, call)]
        candidates = same or handling
        branches = {hop.branch for hop in candidates}
        return candidates[0] if candidates and "" not in branches and len(branches) == 1 else None

    def _forget(self, before: float) -> None:
        for pod in tuple(self._handled):
            handled = self._handled[pod]
            handled.forget(before)
            if not handled.hops:
                del self._handled[pod]


def _same_request(one: Hop, other: Hop) -> bool:
    """Whether the program propagated the identity of the request that it was handling."""
    if one.request_id and unmarked(one.request_id) == unmarked(other.request_id):
        return True
    trace = one.traceparent.split("-")[1:2]
    return bool(trace) and trace == other.traceparent.split("-")[1:2]
