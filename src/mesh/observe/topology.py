"""Who calls whom, how often and how fast: sums over the last minutes, and the graph that they make."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mesh.observe.spans import DEVELOPER, GATEWAY, Span
from mesh.observe.traces import BASELINE
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.store import Store

# Seconds of a slice, and how many slices are kept.
SLICE = 5.0
SLICES = 60
MOST_EDGES = 5_000
# Durations are counted in classes, each 10 % wider than the one before: a quantile is at most 5 % off. SHORTEST is in
# milliseconds.
SHORTEST, STEP = 0.01, math.log(1.1)


class Edge(NamedTuple):
    """`branch` is the answering pod's, `requested` the request's. A workload is "" where there is none."""

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
    connections: int = 0
    failed_connections: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0

    def add(self, other: "Tally") -> None:
        self.connections += other.connections
        self.failed_connections += other.failed_connections
        self.sent_bytes += other.sent_bytes
        self.received_bytes += other.received_bytes
        self.requests += other.requests
        self.errors += other.errors
        self.durations.update(other.durations)

    def quantile(self, share: float) -> float | None:
        """In milliseconds; None when nothing was counted."""
        rank = share * self.requests
        total = 0
        for step in sorted(self.durations):
            total += self.durations[step]
            if total >= rank:
                return round(SHORTEST * math.exp((step + 0.5) * STEP), 2)
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
            # Bytes carry no branch but that of the pod that sends them.
            source.branch if hop.is_tcp and source is not None else hop.branch,
        )
        tally = edges.get(edge)
        if tally is None:
            if len(edges) >= MOST_EDGES:
                return
            tally = edges[edge] = Tally()
        if hop.is_tcp:
            tally.connections += hop.opened
            tally.failed_connections += span.failed
            tally.sent_bytes += hop.request_bytes
            tally.received_bytes += hop.response_bytes
            return
        tally.requests += 1
        tally.errors += span.failed
        tally.durations[int(math.log(max(hop.duration * 1000, SHORTEST) / SHORTEST) / STEP)] += 1

    def _now(self) -> dict[Edge, Tally]:
        number = int(self._clock() / SLICE)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append((number, {}))
        return self._slices[-1][1]

    def slices(self) -> tuple[int, dict[int, dict[Edge, Tally]]]:
        """The number of the last complete slice, and the slices by their number; numbers count SLICEs since 1970.

        The slice that is still being filled is left out: it would look like a fall to nothing.
        """
        last = int(self._clock() / SLICE) - 1
        return last, {number: edges for number, edges in self._slices if last - SLICES < number <= last}

    def within(self, window: float) -> tuple[dict[Edge, Tally], float]:
        """Sums over the last `window` seconds, in whole slices, and how many seconds those are."""
        now = self._clock()
        first = int((now - window) / SLICE) + 1
        sums: dict[Edge, Tally] = {}
        for number, edges in self._slices:
            if number >= first:
                for edge, tally in edges.items():
                    sums.setdefault(edge, Tally()).add(tally)
        return sums, max(1.0, now - first * SLICE)


def graph(store: Store, calls: Calls, window: float, branch: str = "") -> dict[str, Any]:
    """The graph as JSON: every Service with the workloads behind it, and the calls of the last `window` seconds.

    `branch` "" counts all requests, "-" those in no branch, otherwise those in that branch. Rates are in requests per
    second, durations in milliseconds. `tcp` counts connections; `sentBytes` are those that the caller sent.
    """
    sums, seconds = calls.within(window)
    matching = {edge: tally for edge, tally in sums.items() if _matches(edge, branch)}
    return {
        "window": window,
        "at": time.time(),
        "branch": branch,
        "services": _services(store, matching, seconds),
        "edges": _edges(matching, seconds),
    }


def by_service(sums: dict[Edge, Tally]) -> dict[str, Tally]:
    """The same sums by callee."""
    tallies: dict[str, Tally] = {}
    for edge, tally in sums.items():
        tallies.setdefault(edge.target, Tally()).add(tally)
    return tallies


def _matches(edge: Edge, branch: str) -> bool:
    return not branch or edge.requested == ("" if branch == BASELINE else branch)


def _edges(sums: dict[Edge, Tally], seconds: float) -> list[dict[str, Any]]:
    merged: dict[tuple[str, ...], tuple[Tally, Counter[str]]] = {}
    for edge, tally in sums.items():
        total, requested = merged.setdefault(tuple(edge[:-1]), (Tally(), Counter()))
        total.add(tally)
        requested[edge.requested] += tally.requests or tally.connections
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
        for key, (tally, requested) in sorted(merged.items())
    ]


def _figures(tally: Tally, seconds: float) -> dict[str, Any]:
    return {
        "requests": tally.requests,
        "rate": round(tally.requests / seconds, 3),
        "errors": tally.errors,
        "errorShare": round(tally.errors / tally.requests, 4) if tally.requests else 0.0,
        "p50": tally.quantile(0.5),
        "p99": tally.quantile(0.99),
        "tcp": {
            "connections": tally.connections,
            "failed": tally.failed_connections,
            "sentBytes": tally.sent_bytes,
            "receivedBytes": tally.received_bytes,
        },
    }


def _workloads(store: Store) -> Iterator[tuple[Deployment | StatefulSet | DaemonSet, int, int]]:
    """What runs the pods of services: each with the number of pods that are ready, and that there should be."""
    for deployment in store.of(Deployment):
        yield deployment, deployment.status.ready_replicas, deployment.spec.replicas
    for stateful_set in store.of(StatefulSet):
        yield stateful_set, stateful_set.status.ready_replicas, stateful_set.spec.replicas
    for daemon_set in store.of(DaemonSet):
        yield daemon_set, daemon_set.status.number_ready, daemon_set.status.desired_number_scheduled


def _services(store: Store, sums: dict[Edge, Tally], seconds: float) -> list[dict[str, Any]]:
    """Every service with its versions and the calls to it."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for workload, ready, pods in _workloads(store):
        labels = workload.spec.template.metadata.labels
        name = labels.get(SERVICE_LABEL) or labels.get("app") or labels.get("app.kubernetes.io/name")
        versions.setdefault(f"{workload.metadata.namespace}/{name or workload.metadata.name}", []).append(
            {
                "workload": workload.metadata.name,
                "version": labels.get("version", ""),
                "branch": labels.get(BRANCH_LABEL, ""),
                "ready": ready,
                "pods": pods,
            }
        )
    # A Service for one version alone (products-fox) selects pods that another node shows already.
    shown = {version["workload"] for group in versions.values() for version in group}
    existing = set(versions) | {
        f"{service.metadata.namespace}/{service.metadata.name}"
        for service in store.of(Service)
        if service.metadata.name not in shown
    }
    called = {end for edge in sums for end in (edge.source, edge.target)} | {GATEWAY}
    tallies = by_service(sums)
    return [
        {
            "id": key,
            "name": key.rpartition("/")[2],
            "namespace": key.rpartition("/")[0],
            "kind": key if key in (GATEWAY, DEVELOPER) else "service" if "/" in key else "external",
            "versions": sorted(versions.get(key, ()), key=lambda version: (version["branch"], version["workload"])),
            **_figures(tallies.get(key, Tally()), seconds),
        }
        for key in sorted(existing | called)
    ]
