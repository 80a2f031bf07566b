"""Which branch a request belongs to: the answer of Envoy's scripts (`envoy/encode/lua`), without Envoy. Pure.

A test draws requests and compares both, so that they cannot drift apart.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, ENTRY_ORDER, HEADER, PREVIEW_DOMAIN
from mesh.resources.meshmall.marks import COOKIE, REQUEST_ID, TAG_DIGITS, TRACESTATE_KEY
from mesh.resources.values.cookies import first_cookie
from mesh.routing.entries import Ways, ways_of
from mesh.routing.explain.request import HttpRequest
from mesh.routing.model.listener import Source
from mesh.routing.model.table import Entries, Marks

PAIR = re.compile(r"\s*([^=\s]+)\s*=\s*(.*?)\s*", re.ASCII | re.DOTALL)
TAG = rf"(?P<tag>[0-9a-f]{{{TAG_DIGITS}}})"
STATE_VALUE = re.compile(rf"(?P<branch>[a-z0-9-]+)-{TAG}(\.?[0-9a-f]*)", re.ASCII)
# W3C Trace Context: "ff" is no version, and version 00 has nothing behind the flags.
TRACE = re.compile(
    rf"(?!ff|00.{{54}})[0-9a-f]{{2}}-{TAG}[0-9a-f]{{16}}-(?!0{{16}})[0-9a-f]{{16}}-[0-9a-f]{{2}}(-.*)?", re.DOTALL
)
B3 = re.compile(rf"{TAG}[0-9a-f]{{16}}-[0-9a-f]{{16}}.*", re.DOTALL)
B3_ID = re.compile(rf"{TAG}[0-9a-f]{{16}}")
MEMBER_VALUE = re.compile(r"[^;\s]*", re.ASCII)


def branch_entered(entries: Entries, request: HttpRequest) -> str:
    """The branch that a request from outside enters, "" for none; `x-branch` counts for nothing there."""
    ways = ways_of(entries)
    return next((branch for kind in ENTRY_ORDER if (branch := FINDERS[kind](ways, request))), "")


def branch_carried(marks: Marks, request: HttpRequest, source: Source | None) -> str:
    """The branch of a request inside the mesh, "" for none: by its header, else its baggage, else its marks, else the
    branch of the calling pod. Branches that do not exist count for nothing."""
    tags = dict(marks.tags)
    member = next(
        (
            pair
            for part in (request.value("baggage") or "").split(",")
            if (pair := PAIR.fullmatch(part)) and pair[1] == BAGGAGE_MEMBER
        ),
        None,
    )
    candidates = (
        request.value(HEADER),
        _member_value(member[2]) if member else None,
        branch_marked(marks, request),
        source.branch if source is not None else None,
    )
    return next((branch for branch in candidates if branch in tags), "")


def branch_marked(marks: Marks, request: HttpRequest) -> str:
    """The branch whose mark a request carries, "" for none."""
    tags = dict(marks.tags)
    count = Counter(tags.values())
    by_tag = {tag: branch for branch, tag in marks.tags if count[tag] == 1}
    state = (part.strip(" \t").partition("=") for part in (request.value("tracestate") or "").split(","))
    texts = (
        REQUEST_ID.search(request.value("x-request-id") or ""),
        STATE_VALUE.fullmatch(next((value for key, _, value in state if key == TRACESTATE_KEY), "")),
        TRACE.fullmatch(request.value("traceparent") or ""),
        B3.fullmatch(request.value("b3") or ""),
        B3_ID.fullmatch(request.value("x-b3-traceid") or ""),
        STATE_VALUE.fullmatch(first_cookie(request.values("cookie"), COOKIE) or ""),
    )
    for match in filter(None, texts):
        parts = match.groupdict()
        branch = parts.get("branch") or by_tag.get(parts["tag"], "")
        if tags.get(branch) == parts["tag"]:
            return branch
    return ""


def _by_host(ways: Ways, request: HttpRequest) -> str:
    host = re.sub(r":\d+$", "", request.authority, flags=re.ASCII).lower()
    name = host.removesuffix(f".{PREVIEW_DOMAIN}")
    preview = name if name != host and name in ways.names else ""
    return ways.by_key.get(f"host:{host}", preview)


def _by_query(ways: Ways, request: HttpRequest) -> str:
    return _first(ways, "query", lambda name: _decoded(_value(request.query, name, "&")))


def _by_header(ways: Ways, request: HttpRequest) -> str:
    # The mesh's own header is removed before anything is looked up.
    return _first(ways, "header", lambda name: request.value(name) if name != HEADER else None)


def _by_baggage(ways: Ways, request: HttpRequest) -> str:
    baggage = request.value("baggage") or ""

    def member(name: str) -> str | None:
        value = _value(baggage, name, ",")
        return None if value is None else _member_value(value)

    marked = member(BAGGAGE_MEMBER)
    return marked if marked in ways.names else _first(ways, "baggage", lambda name: _decoded(member(name)))


def _by_cookie(ways: Ways, request: HttpRequest) -> str:
    return _first(ways, "cookie", lambda name: first_cookie(request.values("cookie"), name))


FINDERS: Mapping[str, Callable[[Ways, HttpRequest], str]] = {
    "host": _by_host,
    "query": _by_query,
    "header": _by_header,
    "baggage": _by_baggage,
    "cookie": _by_cookie,
}


def _first(ways: Ways, kind: str, value_of: Callable[[str], str | None]) -> str:
    """The branch of the first field whose value in the request leads into one."""
    keys = (f"{kind}:{name}={value_of(name)}" for name in ways.fields[kind] if value_of(name) is not None)
    return next((ways.by_key[key] for key in keys if key in ways.by_key), "")


def _value(text: str, name: str, separator: str) -> str | None:
    """The value of the first `name=value` between separators."""
    pairs = (PAIR.fullmatch(part) for part in text.split(separator))
    return next((pair[2] for pair in pairs if pair and pair[1] == name), None)


def _member_value(text: str) -> str:
    """The value of a baggage member, without its properties."""
    match = MEMBER_VALUE.match(text)
    return match[0] if match else ""


def _decoded(value: str | None) -> str | None:
    return None if value is None else unquote(value, errors="surrogateescape")
