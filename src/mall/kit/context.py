"""Context propagation: the headers that a service copies from a request to every call it makes for that request."""

from collections.abc import Iterable

PROPAGATED = frozenset(
    (
        b"cookie",
        b"x-request-id",
        b"traceparent",
        b"tracestate",
        b"baggage",
        b"b3",
        b"x-b3-traceid",
        b"x-b3-spanid",
        b"x-b3-parentspanid",
        b"x-b3-sampled",
        b"x-b3-flags",
        b"x-ot-span-context",
        b"x-branch",
    )
)


def propagated(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The headers to propagate, in order; several cookie headers stay several."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in PROPAGATED]


def branch_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The branch of a request: from `x-branch`, otherwise the baggage member `branch`, otherwise "-"."""
    for name, value in headers:
        if name == b"x-branch":
            return value.decode("latin-1").partition(";")[0].strip() or "-"
    for name, value in headers:
        if name == b"baggage" and b"branch" in value:
            for member in value.decode("latin-1").split(","):
                key, _, branch = member.partition("=")
                if key.strip() == "branch":
                    return branch.partition(";")[0].strip() or "-"
    return "-"
