"""One request through the whole mesh: its spans as a tree, with who called, who answered, and by which rule."""

from collections.abc import Callable, Sequence
from typing import Any

from mesh.observe.spans import Span
from mesh.observe.traces import Trace
from mesh.observe.workloads import Workload

# Clocks of one machine, read at different moments: a call may seem to begin this much before its cause.
SLACK = 0.002
Explain = Callable[[Span, Trace], dict[str, Any]]


def ordered(trace: Trace) -> list[Span]:
    """The spans by their start, the one from outside first."""
    return sorted(trace.spans, key=lambda span: (span.source is not None, span.hop.start))


def describe(trace: Trace, explain: Explain) -> list[dict[str, Any]]:
    """Each span as JSON: `parent` is the number of the span whose answering pod made the call, or None.

    `fallback` says that the baseline answered for a service that the request's branch changes; `rule` and `why` are
    what `explain` says.
    """
    spans = ordered(trace)
    return [
        {**_told(span, parent, trace), **explain(span, trace)}
        for span, parent in zip(spans, parents(spans), strict=True)
    ]


def parents(spans: Sequence[Span]) -> list[int | None]:
    """For each span the number of the latest one that went into the calling pod and was still open."""
    into: dict[str, list[int]] = {}
    for number, span in enumerate(spans):
        if span.destination is not None:
            into.setdefault(span.destination.pod, []).append(number)
    return [_parent(spans, span, into.get(span.source.pod, ()) if span.source is not None else ()) for span in spans]


def _parent(spans: Sequence[Span], span: Span, entered: Sequence[int]) -> int | None:
    """One that encloses the call, if any; else one that was open when it began, give or take the clocks."""
    begun, ended = span.hop.start, span.hop.end
    open_ = [
        number
        for number in entered
        if (other := spans[number]) is not span and other.hop.start <= begun + SLACK and other.hop.end >= begun - SLACK
    ]
    around = [each for each in open_ if spans[each].hop.start <= begun and spans[each].hop.end >= ended]
    return max(around or open_, default=None, key=lambda number: spans[number].hop.start)


def fell_back(span: Span, trace: Trace) -> bool:
    """Whether the baseline answered in place of the request's branch."""
    answered = span.destination
    return answered is not None and not answered.branch and answered.service in trace.fallback


def _told(span: Span, parent: int | None, trace: Trace) -> dict[str, Any]:
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
