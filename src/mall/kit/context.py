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

IDENTIFYING = frozenset((b"x-request-id", b"x-branch", b"baggage"))


def propagated(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers to propagate, as lines to be sent, in order; several cookie headers stay several."""
    return b"".join([b"%b: %b\r\n" % header for header in headers if header[0] in PROPAGATED])


def identity(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
    """A request's id, "" without one, and its branch: from `x-branch`, otherwise from the baggage member `branch`,
    otherwise "-"."""
    request_id = branch = baggage = b""
    for name, value in headers:
        if name not in IDENTIFYING:
            continue
        if name == b"x-request-id":
            request_id = request_id or value
        elif name == b"x-branch":
            branch = branch or value
        else:
            baggage += b"," + value
    text = branch.decode("latin-1").partition(";")[0].strip()
    return request_id.decode("latin-1"), text or _branch_of(baggage)


def _branch_of(baggage: bytes) -> str:
    if b"branch" in baggage:
        for member in baggage.decode("latin-1").split(","):
            key, _, value = member.partition("=")
            if key.strip() == "branch":
                return value.partition(";")[0].strip() or "-"
    return "-"
