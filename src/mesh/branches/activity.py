"""What is known of a branch's requests: when it was last entered, and which programs lose it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mesh.branches.context import ContextWatch, Lost
from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses
from mesh.store import Store

# Seconds: how often a branch's last use is written down, and how long a loss is told.
TELL_EVERY = 30.0
TELL_LOSS = 600.0
MOST_TOLD = 3


@dataclass(slots=True)
class _Known:
    used: float = 0.0
    told: float = 0.0
    lost: dict[str, Lost] = field(default_factory=dict)


class Usage:
    """Takes hops; says which branches have something new to tell."""

    def __init__(self, store: Store) -> None:
        self._addresses = Addresses(store)
        self._context = ContextWatch(self._addresses)
        self._known: dict[str, _Known] = {}

    def take(self, hops: Iterable[Hop], now: float) -> set[str]:
        """The names of the branches of which something has changed that a status should say."""
        news: set[str] = set()
        held = list(hops)
        for hop in held:
            if hop.branch:
                self._used(hop, news)
        lost, kept = self._context.take(held, now)
        for loss in lost:
            known = self._known.setdefault(loss.branch, _Known())
            if loss.workload.service not in known.lost:
                news.add(loss.branch)
            known.lost[loss.workload.service] = loss
        for each in kept:
            former = self._known.get(each.branch)
            loss_of = former.lost.get(each.workload.service) if former is not None else None
            if former is not None and loss_of is not None and loss_of.when < each.when:
                del former.lost[each.workload.service]
                news.add(each.branch)
        for name, known in self._known.items():
            old = [service for service, loss in known.lost.items() if loss.when < now - TELL_LOSS]
            for service in old:
                del known.lost[service]
                news.add(name)
        return news

    def _used(self, hop: Hop, news: set[str]) -> None:
        known = self._known.setdefault(hop.branch, _Known())
        known.used = max(known.used, hop.start)
        if known.used - known.told >= TELL_EVERY:
            known.told = known.used
            news.add(hop.branch)

    def forget(self, name: str) -> None:
        """The branch is gone: one that is made again under its name has not been used."""
        self._known.pop(name, None)

    def last_used(self, name: str) -> float:
        """Seconds since the epoch, 0 for never."""
        return self._known[name].used if name in self._known else 0.0

    def condition(self, name: str) -> dict[str, Any]:
        """Whether every program that was seen passes the branch on."""
        lost = list(self._known[name].lost.values()) if name in self._known else []
        told = "; ".join(str(each) for each in lost[:MOST_TOLD])
        more = f"; and {len(lost) - MOST_TOLD} more" if len(lost) > MOST_TOLD else ""
        return {
            "type": "ContextKept",
            "status": "False" if lost else "True",
            "reason": "Lost" if lost else "Kept",
            "message": f"{told}{more}" if lost else "no call was seen that left the branch",
        }
