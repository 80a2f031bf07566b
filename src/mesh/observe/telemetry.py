"""What the mesh knows about its requests: joins the ring of hops with everything that is derived from them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from mesh.observe.hops import Ring
from mesh.observe.metrics import Metrics
from mesh.observe.spans import Spans
from mesh.observe.topology import Calls
from mesh.observe.traces import Trace, Traces
from mesh.observe.workloads import Addresses
from mesh.reconcile.supervisor import Supervisor
from mesh.store import Store

EVERY = 0.25
# Seconds without a new span after which a trace counts as complete.
SETTLED = 2.0
Export = Callable[[list[Trace]], None]


class Telemetry:
    """Reads the ring; every answer includes all that Envoy has reported so far."""

    LOOP = "telemetry"

    def __init__(
        self, store: Store, ring: Ring, export: Export | None = None, supervisor: Supervisor | None = None
    ) -> None:
        """`export` is given each trace once, when it is complete."""
        self.store = store
        self.traces = Traces()
        self.metrics = Metrics()
        self.calls = Calls()
        self.lost = 0
        self._ring = ring
        self._place = ring.count
        self._spans = Spans(Addresses(store))
        self._export = export
        self._open: dict[str, tuple[float, Trace]] = {}
        self._supervisor = supervisor or Supervisor()
        self._moved = asyncio.Event()

    def start(self) -> None:
        self._supervisor.start(self.LOOP, self._run)

    async def stop(self) -> None:
        await self._supervisor.stop(self.LOOP)
        self._settle(float("inf"))

    def catch_up(self) -> None:
        """Takes what Envoy has reported since the last time."""
        hops = self._ring.since(self._place)
        if not hops and self._ring.count == self._place:
            return
        self.lost += self._ring.count - self._place - len(hops)
        self._place = self._ring.count
        now = time.monotonic()
        for span in self._spans.of_all(hops):
            self.metrics.count(span)
            self.calls.count(span)
            trace = self.traces.add(span)
            if trace is not None and self._export is not None:
                self._open[trace.request_id] = (now, trace)
        self._moved.set()
        self._moved = asyncio.Event()

    async def moved(self) -> None:
        """Waits for the next requests."""
        await self._moved.wait()

    def text(self) -> str:
        """The metrics as Prometheus scrapes them."""
        self.catch_up()
        gauges = {
            "meshmall_spans_total": ("counter", "Spans that Envoy has reported.", float(self._place)),
            "meshmall_spans_lost_total": (
                "counter",
                "Spans that came faster than they were read.",
                float(self.lost),
            ),
            "meshmall_spans_malformed_total": (
                "counter",
                "Lines of Envoy's that were no report of a request.",
                float(self._ring.malformed),
            ),
            "meshmall_traces": ("gauge", "Requests that are stored.", float(len(self.traces))),
            **_process(),
        }
        return self.metrics.text(gauges)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self.catch_up()
            self._settle(time.monotonic() - SETTLED)

    def _settle(self, before: float) -> None:
        if self._export is None:
            return
        complete = [trace for when, trace in self._open.values() if when <= before]
        for trace in complete:
            del self._open[trace.request_id]
        if complete:
            self._export(complete)


def _process() -> dict[str, tuple[str, str, float]]:
    """The daemon's own metrics, by the names that Prometheus' client libraries use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "process_cpu_seconds_total": ("counter", "The daemon's processor time.", time.process_time()),
        "process_resident_memory_bytes": ("gauge", "The daemon's resident memory.", float(pages * 4096)),
    }
