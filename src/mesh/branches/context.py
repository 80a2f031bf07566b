"""Where a branch is lost: a request of a branch goes into a program, and its calls come out without it.

The commonest failure in the field is a program that forgets to pass the context on, silently. Envoy sees each
request into a pod and each call out of it. A call without a branch is put to account

- by its `x-request-id` or trace, when the program passes those on: it belongs to the request that had the same;
- else by time: when every request that the pod was handling at that moment was in a branch, so was the call.

What cannot be told for sure is not told.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses, Workload

# Hops are told when they end: a call is looked at when the request that made it must have been told, too.
SETTLE = 3.0
KEEP = 60.0


@dataclass(frozen=True, slots=True)
class Lost:
    """One call that left its branch: who made it, what it was handling, what it called."""

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
    """A call that stayed in its branch: who made it."""

    branch: str
    workload: Workload
    when: float


class ContextWatch:
    """Takes hops as they are told, and finds the calls that lost or kept their branch."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._into: dict[str, list[Hop]] = defaultdict(list)
        self._waiting: list[tuple[Workload, Hop]] = []

    def take(self, hops: Iterable[Hop], now: float) -> tuple[list[Lost], list[Kept]]:
        """What is certain by now, after these hops."""
        for hop in hops:
            destination = self._addresses.destination(hop)
            if destination is not None:
                self._into[destination.pod].append(hop)
            source = self._addresses.source(hop)
            if source is not None:
                self._waiting.append((source, hop))
        due = [pair for pair in self._waiting if pair[1].end <= now - SETTLE]
        self._waiting = [pair for pair in self._waiting if pair[1].end > now - SETTLE]
        for held in self._into.values():
            held.sort(key=lambda hop: hop.start)
        lost, kept = [], []
        for workload, hop in due:
            if hop.branch:
                kept.append(Kept(hop.branch, workload, hop.start))
            elif (cause := self._cause(workload, hop)) is not None:
                handled, called = f"{cause.method} {cause.path}", f"{hop.method} http://{hop.authority}{hop.path}"
                lost.append(Lost(cause.branch, workload, handled, called, hop.start))
        self._forget(now - KEEP)
        return lost, kept

    def _cause(self, workload: Workload, call: Hop) -> Hop | None:
        """The request of a branch that made this call; None when there is none, or nobody can tell."""
        into = self._into.get(workload.pod, [])
        upto = bisect_right(into, call.start, key=lambda hop: hop.start)
        handling = [hop for hop in into[:upto] if hop.end >= call.start]
        same = [hop for hop in handling if _same_request(hop, call)]
        candidates = same or handling
        branches = {hop.branch for hop in candidates}
        return candidates[0] if candidates and "" not in branches and len(branches) == 1 else None

    def _forget(self, before: float) -> None:
        for pod in tuple(self._into):
            held = [hop for hop in self._into[pod] if hop.end >= before]
            if held:
                self._into[pod] = held
            else:
                del self._into[pod]


def _same_request(one: Hop, other: Hop) -> bool:
    """Whether the program passed on which request it was handling."""
    if one.request_id and one.request_id == other.request_id:
        return True
    trace = one.traceparent.split("-")[1:2]
    return bool(trace) and trace == other.traceparent.split("-")[1:2]
