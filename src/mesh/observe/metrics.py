"""Istio's standard metrics (https://istio.io/latest/docs/reference/config/metrics/), counted from spans.

One Envoy is at both ends of every call, so `reporter="source"` and `reporter="destination"` report the same; both are
there, since dashboards query either. `istio_requests_total` has one more label: the request's `branch`. The number of
series is bounded: those that were not counted for the longest time are dropped.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mesh.observe.spans import DEVELOPER, GATEWAY, Span, host_of
from mesh.observe.workloads import Workload
from mesh.resources.istio.ingress_gateway import ROOT_NAMESPACE, WORKLOAD

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_COUNTED = 5_000
MOST_TIMED = 1_000
# The bounds that Istio's proxies use for every histogram.
BOUNDS = (0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000)
HISTOGRAMS = (
    ("istio_request_duration_milliseconds", "How long requests took."),
    ("istio_request_bytes", "The size of requests' bodies."),
    ("istio_response_bytes", "The size of responses' bodies."),
)
TCP_COUNTERS = (
    ("istio_tcp_connections_opened_total", "TCP connections by caller and callee."),
    ("istio_tcp_received_bytes_total", "Bytes that callers sent in TCP connections."),
    ("istio_tcp_sent_bytes_total", "Bytes that callees sent in TCP connections."),
)
OUTSIDE = {
    GATEWAY: (WORKLOAD, ROOT_NAMESPACE),
    DEVELOPER: (DEVELOPER, "unknown"),
}


class Series(NamedTuple):
    """The identity of a series: workload, namespace, app, version and principal of both ends, and more."""

    source: tuple[str, str, str, str, str]
    destination: tuple[str, str, str, str, str]
    host: str
    status: int
    flags: str


class _Histogram:
    __slots__ = ("buckets", "sum")

    def __init__(self) -> None:
        self.sum = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)

    def add(self, value: float) -> None:
        self.sum += value
        self.buckets[bisect_left(BOUNDS, value)] += 1


class Metrics:
    """Counts spans; `text` is what Prometheus scrapes."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Series, str], int] = {}
        self._timed: dict[Series, tuple[_Histogram, _Histogram, _Histogram]] = {}
        self._connections: dict[Series, tuple[int, ...]] = {}
        # The series of what is counted again and again. By the identity of workloads, which are kept with it: comparing
        # them would take longer than making the series anew.
        self._series: dict[tuple[object, ...], tuple[Workload | None, Workload | None, Series]] = {}

    def count(self, span: Span) -> None:
        hop = span.hop
        host = host_of(hop.cluster) or "unknown"
        if hop.is_tcp:
            self._count_connection(span, host)
            return
        series = self._series_of(span, host)
        key = (series, hop.branch)
        # Taken out and put in again: a dict keeps its order, so the first one is the one not counted for longest.
        self._counts[key] = self._counts.pop(key, 0) + 1
        histograms = self._timed.pop(series, None) or (_Histogram(), _Histogram(), _Histogram())
        self._timed[series] = histograms
        durations, requests, responses = histograms
        durations.add(hop.duration * 1000)
        requests.add(hop.request_bytes)
        responses.add(hop.response_bytes)
        if len(self._counts) > MOST_COUNTED:
            del self._counts[next(iter(self._counts))]
        if len(self._timed) > MOST_TIMED:
            del self._timed[next(iter(self._timed))]

    def _series_of(self, span: Span, host: str) -> Series:
        hop = span.hop
        key = (id(span.source), id(span.destination), span.caller, host, hop.status, hop.flags)
        kept = self._series.get(key)
        if kept is None:
            if len(self._series) >= MOST_TIMED:
                self._series.clear()
            ends = _source(span.source, span.caller), _destination(span.destination)
            kept = self._series[key] = (span.source, span.destination, Series(*ends, host, hop.status, hop.flags))
        return kept[2]

    def _count_connection(self, span: Span, host: str) -> None:
        hop = span.hop
        series = Series(_source(span.source, span.caller), _destination(span.destination), host, 0, hop.flags)
        totals = self._connections.pop(series, (0, 0, 0))
        values = (hop.opened, hop.request_bytes, hop.response_bytes)
        self._connections[series] = tuple(total + value for total, value in zip(totals, values, strict=True))
        if len(self._connections) > MOST_COUNTED:
            del self._connections[next(iter(self._connections))]

    def text(self, gauges: Mapping[str, tuple[str, str, float]]) -> str:
        """Prometheus' text format. `gauges` are further metrics: name to type, help and value."""
        return "\n".join([*self._lines(), *_plain(gauges), ""])

    def _lines(self) -> Iterator[str]:
        yield "# HELP istio_requests_total Requests by caller, callee and outcome."
        yield "# TYPE istio_requests_total counter"
        for (series, branch), count in self._counts.items():
            for reporter in _reporters(series):
                labels = f'reporter="{reporter}",{_labels(series)},branch="{_quoted(branch)}"'
                yield f"istio_requests_total{{{labels}}} {count}"
        for number, (name, help_) in enumerate(HISTOGRAMS):
            yield f"# HELP {name} {help_}"
            yield f"# TYPE {name} histogram"
            for series, histograms in self._timed.items():
                labels = _labels(series)
                for reporter in _reporters(series):
                    yield from _histogram(name, f'reporter="{reporter}",{labels}', histograms[number])
        for number, (name, help_) in enumerate(TCP_COUNTERS):
            yield f"# HELP {name} {help_}"
            yield f"# TYPE {name} counter"
            for series, totals in self._connections.items():
                labels = _labels(series, protocol="tcp")
                for reporter in _reporters(series):
                    yield f'{name}{{reporter="{reporter}",{labels}}} {totals[number]}'


def _histogram(name: str, labels: str, histogram: _Histogram) -> Iterator[str]:
    total = 0
    for bound, count in zip((*BOUNDS, "+Inf"), histogram.buckets, strict=True):
        total += count
        yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
    yield f"{name}_sum{{{labels}}} {histogram.sum:.6g}"
    yield f"{name}_count{{{labels}}} {total}"


def _plain(gauges: Mapping[str, tuple[str, str, float]]) -> Iterator[str]:
    for name, (type_, help_, value) in gauges.items():
        yield f"# HELP {name} {help_}"
        yield f"# TYPE {name} {type_}"
        yield f"{name} {value:.10g}"


def _reporters(series: Series) -> tuple[str, ...]:
    """A request that no workload answered has only a source."""
    return ("source", "destination") if series.destination[0] != "unknown" else ("source",)


def _source(workload: Workload | None, caller: str) -> tuple[str, str, str, str, str]:
    if workload is None:
        name, namespace = OUTSIDE.get(caller, ("unknown", "unknown"))
        return name, namespace, name, "latest", "unknown"
    return workload.owner, workload.namespace, workload.service, workload.version or "latest", workload.principal


def _destination(workload: Workload | None) -> tuple[str, str, str, str, str]:
    if workload is None:
        return ("unknown",) * 5
    return workload.owner, workload.namespace, workload.service, workload.version or "latest", workload.principal


def _labels(series: Series, protocol: str = "http") -> str:
    """As Istio writes them; a connection has no response code."""
    name, _, rest = series.host.partition(".")
    namespace = rest.partition(".")[0] if rest.endswith(".svc.cluster.local") else "unknown"
    pairs = {
        "source_cluster": "Kubernetes",
        "destination_cluster": "Kubernetes" if series.destination[0] != "unknown" else "unknown",
        "destination_service": series.host,
        "destination_service_name": name if namespace != "unknown" else series.host,
        "destination_service_namespace": namespace,
        "request_protocol": protocol,
        **({"response_code": str(series.status), "grpc_response_status": ""} if protocol == "http" else {}),
        "response_flags": series.flags or "-",
        "connection_security_policy": "none",
    }
    for side, (workload, of, app, version, principal) in (
        ("source", series.source),
        ("destination", series.destination),
    ):
        pairs |= {
            f"{side}_workload": workload,
            f"{side}_workload_namespace": of,
            f"{side}_principal": principal,
            f"{side}_app": app,
            f"{side}_version": version,
            f"{side}_canonical_service": app,
            f"{side}_canonical_revision": version,
        }
    return ",".join(f'{key}="{_quoted(value)}"' for key, value in sorted(pairs.items()))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
