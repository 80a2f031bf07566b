"""What is known about a branch's requests: when it was last used, and which programs lose it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mesh.branches.context import ContextWatch, Lost
from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses
from mesh.store import Store

# Seconds: how often the last use of a branch is written to its status, and how long a loss is reported.
REPORT_USE_EVERY = 30.0
REPORT_LOSS_FOR = 600.0


@dataclass(slots=True)
class _Activity:
    """One branch: `used` and `reported` (the use that was last reported) in seconds since the epoch, the losses by
    service."""

    used: float = 0.0
    reported: float = 0.0
    lost: dict[str, Lost] = field(default_factory=dict)


class Usage:
    """Takes hops; returns which branches have something new to report."""

    def __init__(self, store: Store) -> None:
        self._context = ContextWatch(Addresses(store))
        self._branches: dict[str, _Activity] = {}

    def take(self, hops: Iterable[Hop], now: float) -> set[str]:
        """The names of the branches whose status has become outdated."""
        hops = list(hops)
        outdated: set[str] = set()
        for hop in hops:
            if hop.branch and self._used(hop):
                outdated.add(hop.branch)
        lost, propagated = self._context.take(hops, now)
        for loss in lost:
            activity = self._branches.setdefault(loss.branch, _Activity())
            if loss.workload.service not in activity.lost:
                outdated.add(loss.branch)
            activity.lost[loss.workload.service] = loss
        # A program that propagates the branch again has been mended: its loss is history.
        for call in propagated:
            former = self._branches.get(call.branch)
            earlier = former.lost.get(call.workload.service) if former is not None else None
            if former is not None and earlier is not None and earlier.when < call.when:
                del former.lost[call.workload.service]
                outdated.add(call.branch)
        for name, activity in self._branches.items():
            for service in [service for service, loss in activity.lost.items() if loss.when < now - REPORT_LOSS_FOR]:
                del activity.lost[service]
                outdated.add(name)
        return outdated

    def _used(self, hop: Hop) -> bool:
        """Whether the use should be reported: not every request may cost a write."""
        activity = self._branches.setdefault(hop.branch, _Activity())
        activity.used = max(activity.used, hop.start)
        if activity.used - activity.reported < REPORT_USE_EVERY:
            return False
        activity.reported = activity.used
        return True

    def forget(self, name: str) -> None:
        """The branch is gone: a new one of its name has not been used."""
        self._branches.pop(name, None)

    def last_used(self, name: str) -> float:
        """Seconds since the epoch, 0 for never."""
        return self._branches[name].used if name in self._branches else 0.0

    def losses(self, name: str) -> list[str]:
        """The calls that recently left the branch, one per program, described for people."""
        return [str(loss) for loss in self._branches[name].lost.values()] if name in self._branches else []
