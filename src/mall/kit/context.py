"""The headers that a service passes on with every call that it makes while it handles a request."""

from collections.abc import Iterable

PASSED_ON = frozenset(
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


def passed_on(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The headers to pass on, in their order; several cookie headers stay several."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in PASSED_ON]


def branch_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The branch a request is in: `x-branch`, else the baggage member `branch`, else "-"."""
    for name, value in headers:
        if name == b"x-branch":
            return value.decode("latin-1").partition(";")[0].strip() or "-"
    for name, value in headers:
        if name == b"baggage" and b"branch" in value:
            for member in value.decode("latin-1").split(","):
                key, _, named = member.partition("=")
                if key.strip() == "branch":
                    return named.partition(";")[0].strip() or "-"
    return "-"
