"""The last requests through the mesh, each with its spans; bounded in number, and in spans altogether."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mesh.observe.spans import Span

MOST_TRACES = 10_000
MOST_SPANS = 60_000
MOST_SPANS_OF_ONE = 1_000
BASELINE = "-"
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
HEX = re.compile(r"[0-9a-f]{32}")


class Trace:
    """What is known of one request: all spans with its x-request-id, as they were told.

    `number` grows from trace to trace, `changed` with every span of any. `more` are spans beyond the bound.
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
        """Takes one more span; False when it has enough."""
        if len(self.spans) >= MOST_SPANS_OF_ONE:
            self.more += 1
            return False
        self.spans.append(span)
        hop = span.hop
        self.start, self.end = min(self.start, hop.start), max(self.end, hop.end)
        self.errors += span.failed
        self.services[span.service] = None
        root = self.root
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
        """The services of the branch that the baseline answered for, by their names."""
        return self.root.hop.fallback if self.root is not None else ()

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits: of the request's `traceparent`, else of its x-request-id."""
        found = TRACEPARENT.fullmatch(self.root.hop.traceparent) if self.root is not None else None
        if found is not None:
            return found[1]
        plain = self.request_id.replace("-", "").lower()
        return plain if HEX.fullmatch(plain) else hashlib.sha256(self.request_id.encode()).hexdigest()[:32]

    def summary(self) -> dict[str, Any]:
        """A line of a list of requests, as JSON."""
        root = self.root
        return {
            "number": self.number,
            "requestId": self.request_id,
            "traceId": self.trace_id,
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
                dict.fromkeys(each.service for each in sorted(self.spans, key=lambda each: each.hop.start))
            ),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """A choice of traces. `branch` "-" is the baseline, "" any. `status` is "error", a class as "5xx", or a code.

    `least` is milliseconds; `text` a part of the URL or of the id, in lower case; `caller` who began it, as a span's;
    `before` a trace's number.
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
            raise ValueError(f'status: "{self.status}" is none of error, 5xx, 503')

    def takes(self, trace: Trace) -> bool:
        if self.branch and trace.branch != ("" if self.branch == BASELINE else self.branch):
            return False
        if self.service and not any(self._is(each) for each in trace.services):
            return False
        if self.least and trace.milliseconds < self.least:
            return False
        if self.caller and (trace.root is None or trace.root.caller != self.caller):
            return False
        return self._status(trace) and self._text(trace)

    def _is(self, service: str) -> bool:
        return self.service in (service, service.rpartition("/")[2])

    def _status(self, trace: Trace) -> bool:
        if not self.status:
            return True
        if self.status == "error":
            return trace.errors > 0
        return str(trace.status).startswith(self.status.removesuffix("xx"))

    def _text(self, trace: Trace) -> bool:
        if not self.text:
            return True
        root = trace.root
        url = f"{root.hop.authority}{root.hop.path}".lower() if root is not None else ""
        return self.text in url or trace.request_id.startswith(self.text)


class Traces:
    """Traces by their x-request-id, the oldest go first."""

    def __init__(self, most: int = MOST_TRACES, most_spans: int = MOST_SPANS) -> None:
        self._most, self._most_spans = most, most_spans
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._spans = 0
        self._number = 0
        self.changes = 0

    def add(self, span: Span) -> Trace | None:
        """Puts a span to its trace; None when it names none."""
        request_id = span.hop.request_id
        if not request_id:
            return None
        trace = self._traces.get(request_id)
        if trace is None:
            self._number += 1
            trace = self._traces[request_id] = Trace(self._number, request_id)
        if trace.add(span):
            self._spans += 1
        self.changes += 1
        trace.changed = self.changes
        while len(self._traces) > self._most or self._spans > self._most_spans:
            _, old = self._traces.popitem(last=False)
            self._spans -= len(old.spans)
        return trace

    def get(self, request_id: str) -> Trace | None:
        return self._traces.get(request_id)

    def find(self, wanted: Wanted) -> tuple[list[Trace], bool]:
        """The newest that fit, newest first, and whether there are more."""
        found: list[Trace] = []
        for trace in reversed(self._traces.values()):
            if wanted.before is not None and trace.number >= wanted.before:
                continue
            if wanted.takes(trace):
                if len(found) == wanted.limit:
                    return found, True
                found.append(trace)
        return found, False

    def changed_since(self, change: int, most: int) -> Iterator[Trace]:
        """Of the newest `most` traces those that changed after `change`, oldest first."""
        newest = []
        for number, trace in enumerate(reversed(self._traces.values())):
            if number >= most:
                break
            if trace.changed > change:
                newest.append(trace)
        return reversed(newest)

    def __len__(self) -> int:
        return len(self._traces)
