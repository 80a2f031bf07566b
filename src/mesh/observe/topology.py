"""Who calls whom, how often, how fast: sums over the last minutes, and the graph made of them."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mesh.observe.spans import DEVELOPER, GATEWAY, Span
from mesh.observe.traces import BASELINE
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.store import Store

SLICE = 5.0
SLICES = 60
MOST_EDGES = 5_000
# Durations are counted in classes, each a tenth wider than the one before: what is told is at most 5 % off.
LEAST, STEP = 0.01, math.log(1.1)


class Edge(NamedTuple):
    """`branch` is the answering pod's, `requested` the request's. Workloads are "" for what is none."""

    source: str
    source_workload: str
    target: str
    target_workload: str
    version: str
    branch: str
    requested: str


@dataclass(slots=True)
class Tally:
    requests: int = 0
    errors: int = 0
    durations: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.durations.update(other.durations)

    def quantile(self, share: float) -> float | None:
        """Milliseconds, None when there is nothing."""
        rank = share * self.requests
        seen = 0
        for step in sorted(self.durations):
            seen += self.durations[step]
            if seen >= rank:
                return round(LEAST * math.exp((step + 0.5) * STEP), 2)
        return None


class Calls:
    """Sums of spans in slices of five seconds, five minutes back."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._slices: deque[tuple[int, dict[Edge, Tally]]] = deque(maxlen=SLICES)

    def count(self, span: Span) -> None:
        hop, source, destination = span.hop, span.source, span.destination
        edges = self._now()
        edge = Edge(
            span.caller,
            source.owner if source is not None else "",
            span.service,
            destination.owner if destination is not None else "",
            destination.version if destination is not None else "",
            destination.branch if destination is not None else "",
            hop.branch,
        )
        tally = edges.get(edge)
        if tally is None:
            if len(edges) >= MOST_EDGES:
                return
            tally = edges[edge] = Tally()
        tally.requests += 1
        tally.errors += span.failed
        tally.durations[int(math.log(max(hop.duration * 1000, LEAST) / LEAST) / STEP)] += 1

    def _now(self) -> dict[Edge, Tally]:
        number = int(self._clock() / SLICE)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append((number, {}))
        return self._slices[-1][1]

    def within(self, window: float) -> tuple[dict[Edge, Tally], float]:
        """Sums over the last `window` seconds, in whole slices, and how many seconds those are."""
        now = self._clock()
        first = int((now - window) / SLICE) + 1
        found: dict[Edge, Tally] = {}
        for number, edges in self._slices:
            if number >= first:
                for edge, tally in edges.items():
                    found.setdefault(edge, Tally()).add(tally)
        return found, max(1.0, now - first * SLICE)


def graph(store: Store, calls: Calls, window: float, branch: str = "") -> dict[str, Any]:
    """The graph as JSON: every Service and who answers for it, and the calls of the window.

    `branch` "" counts all requests, "-" those of no branch, else those of one. Rates are requests a second,
    durations milliseconds.
    """
    sums, seconds = calls.within(window)
    wanted = {edge: tally for edge, tally in sums.items() if _of(edge, branch)}
    return {
        "window": window,
        "at": time.time(),
        "branch": branch,
        "services": _services(store, wanted, seconds),
        "edges": _edges(wanted, seconds),
    }


def by_service(sums: dict[Edge, Tally]) -> dict[str, Tally]:
    """The same by who was called."""
    found: dict[str, Tally] = {}
    for edge, tally in sums.items():
        found.setdefault(edge.target, Tally()).add(tally)
    return found


def _of(edge: Edge, branch: str) -> bool:
    return not branch or edge.requested == ("" if branch == BASELINE else branch)


def _edges(sums: dict[Edge, Tally], seconds: float) -> list[dict[str, Any]]:
    found: dict[tuple[str, ...], tuple[Tally, Counter[str]]] = {}
    for edge, tally in sums.items():
        whole, requested = found.setdefault(tuple(edge[:-1]), (Tally(), Counter()))
        whole.add(tally)
        requested[edge.requested] += tally.requests
    return [
        {
            "source": key[0],
            "sourceWorkload": key[1],
            "target": key[2],
            "targetWorkload": key[3],
            "version": key[4],
            "branch": key[5],
            **_figures(tally, seconds),
            "byBranch": dict(requested),
        }
        for key, (tally, requested) in sorted(found.items())
    ]


def _figures(tally: Tally, seconds: float) -> dict[str, Any]:
    return {
        "requests": tally.requests,
        "rate": round(tally.requests / seconds, 3),
        "errors": tally.errors,
        "errorShare": round(tally.errors / tally.requests, 4) if tally.requests else 0.0,
        "p50": tally.quantile(0.5),
        "p99": tally.quantile(0.99),
    }


def _services(store: Store, sums: dict[Edge, Tally], seconds: float) -> list[dict[str, Any]]:
    """Every service with its versions, and the calls to it."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for deployment in store.of(Deployment):
        labels = deployment.spec.template.metadata.labels
        name = labels.get(SERVICE_LABEL) or labels.get("app") or labels.get("app.kubernetes.io/name")
        versions.setdefault(f"{deployment.metadata.namespace}/{name or deployment.metadata.name}", []).append(
            {
                "workload": deployment.metadata.name,
                "version": labels.get("version", ""),
                "branch": labels.get(BRANCH_LABEL, ""),
                "ready": deployment.status.ready_replicas or 0,
                "pods": deployment.spec.replicas if deployment.spec.replicas is not None else 1,
            }
        )
    # A Service that stands for a version alone (products-fox) selects what another node shows already.
    shown = {each["workload"] for group in versions.values() for each in group}
    known = set(versions) | {
        key
        for each in store.of(Service)
        if (key := f"{each.metadata.namespace}/{each.metadata.name}") and each.metadata.name not in shown
    }
    called = {end for edge in sums for end in (edge.source, edge.target)} | {GATEWAY}
    tallies = by_service(sums)
    return [
        {
            "id": key,
            "name": key.rpartition("/")[2],
            "namespace": key.rpartition("/")[0],
            "kind": key if key in (GATEWAY, DEVELOPER) else "service" if "/" in key else "external",
            "versions": sorted(versions.get(key, ()), key=lambda each: (each["branch"], each["workload"])),
            **_figures(tallies.get(key, Tally()), seconds),
        }
        for key in sorted(known | called)
    ]
