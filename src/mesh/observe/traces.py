"""The most recent requests through the mesh with their spans; bounded in number, and in their spans in total."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from typing import Any

from mesh.observe.spans import Span
from mesh.resources.meshmall.marks import unmarked

MOST_TRACES = 10_000
MOST_SPANS = 60_000
MOST_SPANS_OF_ONE = 1_000
BASELINE = "-"
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
HEX = re.compile(r"[0-9a-f]{32}")


class Trace:
    """One request: all spans with its x-request-id, in the order in which they were reported. `request_id` is as
    programs see it: with a mark, if it is in a branch.

    `number` grows from trace to trace, `changed` with every span of any. `more` counts the spans beyond the bound.
    """

    __slots__ = ("changed", "end", "errors", "more", "number", "request_id", "root", "services", "spans", "start")

    def __init__(self, number: int, request_id: str) -> None:
        self.number = number
        self.changed = 0
        self.request_id = request_id
        self.spans: list[Span] = []
        self.root: Span | None = None
        self.services: dict[str, None] = {}
        self.errors = 0
        self.more = 0
        self.start = float("inf")
        self.end = 0.0

    def add(self, span: Span) -> bool:
        """Adds a span; returns False when it has as many as it may."""
        if len(self.spans) >= MOST_SPANS_OF_ONE:
            # Counted, so that the list can say that there are more; a loop between services has no end.
            self.more += 1
            return False
        self.spans.append(span)
        hop = span.hop
        self.start, self.end = min(self.start, hop.start), max(self.end, hop.end)
        self.errors += span.failed
        self.services[span.service] = None
        root = self.root
        # Hops are reported when they end, inner ones first: the one from outside is the root, else the earliest.
        if root is None or (span.source is None, -hop.start) > (root.source is None, -root.hop.start):
            self.root = span
        return True

    @property
    def branch(self) -> str:
        """The branch that the request was in where it came in."""
        return self.root.hop.branch if self.root is not None else ""

    @property
    def status(self) -> int:
        return self.root.hop.status if self.root is not None else 0

    @property
    def milliseconds(self) -> float:
        return (self.end - self.start) * 1000

    @property
    def fallback(self) -> tuple[str, ...]:
        """The names of the branch's services that the baseline answered for."""
        return self.root.hop.fallback if self.root is not None else ()

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits: of the request's `traceparent`, as programs see it, else of its x-request-id."""
        parent = TRACEPARENT.fullmatch(self.root.hop.traceparent) if self.root is not None else None
        if parent is not None:
            return parent[1]
        plain = self.request_id.replace("-", "").lower()
        return plain if HEX.fullmatch(plain) else hashlib.sha256(self.request_id.encode()).hexdigest()[:32]

    @property
    def original_trace_id(self) -> str:
        """The trace id that the client had sent, "" where that is still the request's."""
        return self.root.hop.original_trace if self.root is not None else ""

    def summary(self) -> dict[str, Any]:
        """One line in a list of requests, as JSON."""
        root = self.root
        return {
            "number": self.number,
            "requestId": self.request_id,
            "traceId": self.trace_id,
            "originalTraceId": self.original_trace_id,
            "start": self.start,
            "milliseconds": round(self.milliseconds, 3),
            "method": root.hop.method if root is not None else "",
            "url": f"http://{root.hop.authority}{root.hop.path}" if root is not None else "",
            "from": root.caller if root is not None else "",
            "status": self.status,
            "branch": self.branch,
            "hops": len(self.spans) + self.more,
            "errors": self.errors,
            "fallback": list(self.fallback),
            "services": list(
                dict.fromkeys(span.service for span in sorted(self.spans, key=lambda span: span.hop.start))
            ),
        }


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces to return. `branch` "-" is the baseline, "" any. `status` is "error", a class such as "5xx", or a
    code.

    `least` is in milliseconds; `text` is part of the URL or the start of an id, in lower case; `caller` is the first
    span's; `before` is a trace's number. Raises ValueError for an unknown status.
    """

    branch: str = ""
    service: str = ""
    status: str = ""
    least: float = 0.0
    text: str = ""
    caller: str = ""
    before: int | None = None
    limit: int = 200

    def __post_init__(self) -> None:
        if self.status and not re.fullmatch(r"error|[1-5]xx|[1-5][0-9][0-9]", self.status):
            raise ValueError(
                f'status: "{self.status}" is not valid; use error, a class such as 5xx, or a code such as 503'
            )

    def matches(self, trace: Trace) -> bool:
        if self.branch and trace.branch != ("" if self.branch == BASELINE else self.branch):
            return False
        if self.service and not any(self._is_service(service) for service in trace.services):
            return False
        if self.least and trace.milliseconds < self.least:
            return False
        if self.caller and (trace.root is None or trace.root.caller != self.caller):
            return False
        return self._has_status(trace) and self._has_text(trace)

    def _is_service(self, service: str) -> bool:
        return self.service in (service, service.rpartition("/")[2])

    def _has_status(self, trace: Trace) -> bool:
        if not self.status:
            return True
        if self.status == "error":
            return trace.errors > 0
        return str(trace.status).startswith(self.status.removesuffix("xx"))

    def _has_text(self, trace: Trace) -> bool:
        if not self.text:
            return True
        root = trace.root
        url = f"{root.hop.authority}{root.hop.path}".lower() if root is not None else ""
        ids = (trace.request_id, trace.trace_id, trace.original_trace_id)
        return self.text in url or any(text.startswith(self.text) for text in ids)


class Traces:
    """Traces by their x-request-id without a branch's mark; the oldest are dropped first."""

    def __init__(self, most: int = MOST_TRACES, most_spans: int = MOST_SPANS) -> None:
        self._most, self._most_spans = most, most_spans
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._spans = 0
        self._number = 0
        self.changes = 0

    def add(self, span: Span) -> Trace | None:
        """Adds a span to its trace and returns that; None when the span names none."""
        request_id = span.hop.request_id
        if not request_id:
            return None
        # The mark is left out: a request may enter its branch behind its first hop.
        key = unmarked(request_id)
        trace = self._traces.get(key)
        if trace is None:
            self._number += 1
            trace = self._traces[key] = Trace(self._number, request_id)
        if trace.add(span):
            self._spans += 1
        self.changes += 1
        trace.changed = self.changes
        # By spans as well: a single request may have a thousand of them.
        while len(self._traces) > self._most or self._spans > self._most_spans:
            _, old = self._traces.popitem(last=False)
            self._spans -= len(old.spans)
        return trace

    def get(self, identifier: str) -> Trace | None:
        """By x-request-id, as the client sent it or as programs see it; or by trace id, the client's or that."""
        trace = self._traces.get(unmarked(identifier))
        if trace is None and HEX.fullmatch(identifier):
            newest_first = reversed(self._traces.values())
            trace = next((one for one in newest_first if identifier in (one.trace_id, one.original_trace_id)), None)
        return trace

    def find(self, query: TraceFilter) -> tuple[list[Trace], bool]:
        """The newest that match, newest first, and whether there are more."""
        matches: list[Trace] = []
        for trace in reversed(self._traces.values()):
            if query.before is not None and trace.number >= query.before:
                continue
            if query.matches(trace):
                if len(matches) == query.limit:
                    return matches, True
                matches.append(trace)
        return matches, False

    def slowest(self, query: TraceFilter) -> tuple[list[Trace], bool]:
        """Those that match, the slowest first, and whether there are more."""
        matches = [trace for trace in self._traces.values() if query.matches(trace)]
        return nlargest(query.limit, matches, key=lambda trace: trace.milliseconds), len(matches) > query.limit

    def failing_since(self, start: float, most: int) -> Iterator[Trace]:
        """Those with a failed hop that began after `start` (seconds since 1970), newest first, at most `most`."""
        newest_first = reversed(self._traces.values())
        return islice((trace for trace in newest_first if trace.errors and trace.start >= start), most)

    def changed_since(self, change: int, most: int) -> Iterator[Trace]:
        """Those of the newest `most` traces that changed after `change`, oldest first."""
        newest = []
        for number, trace in enumerate(reversed(self._traces.values())):
            if number >= most:
                break
            if trace.changed > change:
                newest.append(trace)
        return reversed(newest)

    def __len__(self) -> int:
        return len(self._traces)
