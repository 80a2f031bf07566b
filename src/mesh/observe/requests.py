"""One request through the whole mesh: its spans as a tree, with caller, callee, and the rule that applied."""

from collections.abc import Callable, Sequence
from typing import Any

from mesh.observe.flags import in_words
from mesh.observe.spans import Span
from mesh.observe.traces import Trace
from mesh.observe.workloads import Workload

# Seconds that a call may seem to start before its cause: Envoy's workers read the clock at different moments.
SLACK = 0.002
# What the mesh answers for a host that is neither a Service nor a ServiceEntry.
NO_SUCH_HOST = 502
Explain = Callable[[Span, Trace], dict[str, Any]]


def ordered(trace: Trace) -> list[Span]:
    """The spans by start, those from outside the mesh first."""
    return sorted(trace.spans, key=lambda span: (span.source is not None, span.hop.start))


def describe(trace: Trace, explain: Explain) -> list[dict[str, Any]]:
    """Each span as JSON: `parent` is the number of the span whose answering pod made the call, or None.

    `fallback`: the baseline answered for a service that the request's branch changes. `rule` and `why` come from
    `explain`.
    """
    spans = ordered(trace)
    return [
        {**_described(span, parent, trace), **explain(span, trace)}
        for span, parent in zip(spans, parents(spans), strict=True)
    ]


def parents(spans: Sequence[Span]) -> list[int | None]:
    """For each span the number of the latest one that entered the calling pod and was still open."""
    into: dict[str, list[int]] = {}
    for number, span in enumerate(spans):
        if span.destination is not None:
            into.setdefault(span.destination.pod, []).append(number)
    return [_parent(spans, span, into.get(span.source.pod, ()) if span.source is not None else ()) for span in spans]


def _parent(spans: Sequence[Span], span: Span, entered: Sequence[int]) -> int | None:
    """One that encloses the call, if any; otherwise one that was open when it started, within the clocks' slack."""
    started, ended = span.hop.start, span.hop.end
    open_ = [
        number
        for number in entered
        if (other := spans[number]) is not span
        and other.hop.start <= started + SLACK
        and other.hop.end >= started - SLACK
    ]
    enclosing = [number for number in open_ if spans[number].hop.start <= started and spans[number].hop.end >= ended]
    return max(enclosing or open_, default=None, key=lambda number: spans[number].hop.start)


def fell_back(span: Span, trace: Trace) -> bool:
    """Whether the baseline answered in place of the request's branch."""
    callee = span.destination
    return callee is not None and not callee.branch and callee.service in trace.fallback


def problem(span: Span) -> str:
    """Why no pod answered, in words; "" when one did, or nothing is known."""
    hop = span.hop
    if words := in_words(hop.flags):
        return ", ".join(words)
    if hop.status == NO_SUCH_HOST and span.source is not None and not hop.cluster and not hop.upstream:
        return f"the mesh knows no host {hop.authority}"
    return ""


def _described(span: Span, parent: int | None, trace: Trace) -> dict[str, Any]:
    hop = span.hop
    return {
        "parent": parent,
        "source": span.source.owner if span.source is not None else "",
        "caller": span.caller,
        "service": span.service,
        "destination": _workload(span.destination),
        "method": hop.method,
        "url": f"http://{hop.authority}{hop.path}",
        "status": hop.status,
        "flags": hop.flags,
        "problem": problem(span),
        "start": hop.start,
        "milliseconds": round(hop.duration * 1000, 3),
        "branch": hop.branch,
        "fallback": fell_back(span, trace),
        "route": hop.route,
        "cluster": hop.cluster,
        "requestId": hop.request_id,
        "traceId": trace.trace_id,
    }


def _workload(workload: Workload | None) -> dict[str, str]:
    if workload is None:
        return {}
    return {
        "service": workload.service,
        "workload": workload.owner,
        "pod": workload.pod,
        "version": workload.version,
        "branch": workload.branch,
    }
