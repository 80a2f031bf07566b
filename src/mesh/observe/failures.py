"""Which services fail, and why: of a failing request the hop where the failure began, not those that passed it on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mesh.observe.requests import SLACK, ordered, problem
from mesh.observe.spans import Span
from mesh.observe.traces import Trace

MOST_GROUPS = 50


@dataclass(slots=True)
class _Group:
    """Failures that look alike; `trace` and `span` are the newest one's."""

    count: int
    trace: Trace
    span: Span


def origins(trace: Trace) -> Iterator[Span]:
    """The failed hops of a request below which nothing failed."""
    failed = [span for span in ordered(trace) if span.failed]
    return (span for span in failed if not any(_caused(other, span) for other in failed))


def _caused(call: Span, span: Span) -> bool:
    """Whether a failed call may be why `span` failed: the pod that answered `span` made it meanwhile.

    Not by the tree: of two calls into one pod at the same time, the tree can only guess which one made a further call.
    """
    if call is span or call.source is None or span.destination is None or call.source.pod != span.destination.pod:
        return False
    return call.hop.start <= span.hop.end + SLACK and call.hop.end >= span.hop.start - SLACK


def failures(traces: Iterable[Trace]) -> list[dict[str, Any]]:
    """The failures of `traces` (the newest first) by service, workload, status and reason; the most frequent first.

    Each is JSON: `service`, `workload` ("" when no pod answered), `branch` (the request's), `status`, `reason` in words
    ("" when a pod answered with an error of its own), `count`, and of the newest one `requestId`, `at` (seconds since
    1970), `method` and `url`.
    """
    groups: dict[tuple[str, str, str, int, str], _Group] = {}
    for trace in traces:
        for span in origins(trace):
            workload = span.destination.owner if span.destination is not None else ""
            key = (span.service, workload, span.hop.branch, span.hop.status, problem(span))
            group = groups.get(key)
            if group is None:
                groups[key] = _Group(1, trace, span)
            else:
                group.count += 1
    most = sorted(groups.items(), key=lambda item: -item[1].count)[:MOST_GROUPS]
    return [
        {
            "service": service,
            "workload": workload,
            "branch": branch,
            "status": status,
            "reason": reason,
            "count": group.count,
            "requestId": group.trace.request_id,
            "at": group.span.hop.start,
            "method": group.span.hop.method,
            "url": f"http://{group.span.hop.authority}{group.span.hop.path}",
        }
        for (service, workload, branch, status, reason), group in most
    ]
