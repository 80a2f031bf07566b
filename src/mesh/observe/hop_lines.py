"""The lines that Envoy writes for HTTP requests, as hops. Pure.

Text in them comes from outside, and may be anything: what is not UTF-8 is replaced, and a line that is none is counted
and left out, whatever it contains. All others stay as they are.
"""

from collections.abc import Iterator
from sys import intern

from mesh.observe.hops import Hop
from mesh.routing.model.hop_line import FIELDS, LONGEST_ID, LONGEST_LABEL, LONGEST_TRACEPARENT, MARK, SEPARATOR
from mesh.routing.model.tunnel import TUNNEL

# Envoy's short names of the response flags that are reported.
FLAGS = frozenset(("UH", "UF", "UC", "UT", "UR", "UO", "NR", "DI", "FI", "URX", "DC"))
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
MOST_SEPARATORS = len(FIELDS) - 1


def hops_of(lines: bytes) -> Iterator[Hop | None]:
    """A hop for each line; None for a line that is none."""
    # The decoder replaces bytes that are no UTF-8 and nothing beside them: line feeds and tabs stay.
    for line in lines.decode(errors="replace").split("\n"):
        yield _hop_of(line)


def is_counted(hop: Hop) -> bool:
    """Whether it is a request to a service: the requests in a tunnel are reported on their own."""
    return hop.cluster != TUNNEL


def _hop_of(line: str) -> Hop | None:
    fields = line.split(SEPARATOR, MOST_SEPARATORS)
    if len(fields) != len(FIELDS) or fields[0] != MARK:
        return None
    (
        _,
        start,
        microseconds,
        milliseconds,
        listener,
        upstream,
        cluster,
        route,
        status,
        flags,
        received,
        sent,
        branch,
        original_trace,
        label,
        method,
        request_id,
        traceparent,
        authority,
        path,
    ) = fields
    try:
        return Hop(
            start=float(start),
            duration=int(microseconds) / 1e6 if microseconds else int(milliseconds or 0) / 1e3,
            # Names repeat in tens of thousands of hops.
            listener=intern(listener),
            upstream=intern(upstream),
            cluster=intern(cluster),
            route=intern(route),
            method=intern(method) if method in METHODS else "",
            authority=intern(authority),
            path=path,
            status=int(status or 0),
            flags=_flags(flags) if flags else "",
            request_id=request_id[:LONGEST_ID],
            traceparent=traceparent[:LONGEST_TRACEPARENT],
            branch=intern(branch),
            request_bytes=int(received or 0),
            response_bytes=int(sent or 0),
            fallback=_fallback(label[:LONGEST_LABEL]) if label else (),
            original_trace=original_trace,
        )
    except ValueError:
        return None


def _flags(text: str) -> str:
    return ",".join(flag for flag in text.split(",") if flag in FLAGS)


def _fallback(label: str) -> tuple[str, ...]:
    """The services that an answer's `x-branch: fox; fallback=products,discount` names."""
    _, _, names = label.partition("fallback=")
    return tuple(names.split(",")) if names else ()
