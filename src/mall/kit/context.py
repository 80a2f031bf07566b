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


def propagated(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers to propagate, as lines to be sent, in order; several cookie headers stay several."""
    return b"".join([b"%b: %b\r\n" % header for header in headers if header[0] in PROPAGATED])


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
