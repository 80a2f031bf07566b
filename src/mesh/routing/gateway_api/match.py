"""Matches of HTTPRoutes and GRPCRoutes, and which of two comes first. Pure."""

import re
from collections.abc import Sequence

from mesh.resources.gateway_api.types import GRPCRouteMatch, HTTPRouteMatch, ValueMatch
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern

# Which kind of path comes first. The specification leaves regular expressions to implementations; Envoy Gateway has
# them behind exact paths too.
RANK = {
    MatchKind.EXACT: 0,
    MatchKind.REGEX: 1,
    MatchKind.PATH_PREFIX: 2,
    MatchKind.PREFIX: 2,
    MatchKind.PRESENT: 3,
}


def precedence(match: Match) -> tuple[int, int, int, int, int]:
    """Sort key by the specification's order (HTTPRouteRule.matches): the kind of path, its length, whether there is a
    method, then the number of headers and of query parameters."""
    path = match.path
    methods = sum(header.name == ":method" for header in match.headers)
    return (
        RANK[path.kind] if path is not None else RANK[MatchKind.PRESENT],
        -len(path.value) if path is not None else 0,
        -methods,
        methods - len(match.headers),
        -len(match.query),
    )


def http_match(match: HTTPRouteMatch) -> Match:
    """The prefix `/` is no condition at all."""
    path = None
    if match.path.type == "Exact":
        path = Pattern(MatchKind.EXACT, match.path.value)
    elif match.path.type == "RegularExpression":
        path = Pattern(MatchKind.REGEX, match.path.value)
    elif prefix := match.path.value.rstrip("/"):
        path = Pattern(MatchKind.PATH_PREFIX, prefix)
    method = (FieldMatch(":method", Pattern(MatchKind.EXACT, match.method)),) if match.method else ()
    return Match(path, (*method, *_fields(match.headers, lower=True)), _fields(match.query_params, lower=False))


def grpc_match(match: GRPCRouteMatch) -> Match:
    """A gRPC method is called at the path /service/method (gRPC over HTTP/2, PROTOCOL-HTTP2.md)."""
    path, method = None, match.method
    if method is not None and method.type == "RegularExpression":
        path = Pattern(MatchKind.REGEX, f"/{method.service or '[^/]+'}/{method.method or '[^/]+'}")
    elif method is not None and method.service and method.method:
        path = Pattern(MatchKind.EXACT, f"/{method.service}/{method.method}")
    elif method is not None and method.service:
        path = Pattern(MatchKind.PATH_PREFIX, f"/{method.service}")
    elif method is not None:
        path = Pattern(MatchKind.REGEX, f"/[^/]+/{re.escape(method.method)}")
    return Match(path, _fields(match.headers, lower=True))


def _fields(values: Sequence[ValueMatch], *, lower: bool) -> tuple[FieldMatch, ...]:
    """Of two matches for one name the first counts, as the specification says."""
    fields: dict[str, FieldMatch] = {}
    for value in values:
        name = value.name.lower() if lower else value.name
        kind = MatchKind.REGEX if value.type == "RegularExpression" else MatchKind.EXACT
        fields.setdefault(name, FieldMatch(name, Pattern(kind, value.value)))
    return tuple(fields.values())
