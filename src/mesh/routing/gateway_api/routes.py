"""HTTPRoutes and GRPCRoutes to rows of a route table, in the specification's order of precedence. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mesh.resources.gateway_api.types import GRPCRouteMatch, HTTPRouteMatch, HTTPRouteRule
from mesh.resources.values.meta import ref_of
from mesh.routing.gateway_api.backends import forward_of
from mesh.routing.gateway_api.cors import cors_of
from mesh.routing.gateway_api.headers import header_changes
from mesh.routing.gateway_api.match import grpc_match, http_match, precedence
from mesh.routing.gateway_api.place import Where
from mesh.routing.gateway_api.references import HttpRoute, HttpRule, References, http_rules
from mesh.routing.gateway_api.rewrite import redirect_of, rewrite_of
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Redirect, Respond, Route
from mesh.routing.world import age


def rows_of(routes: Sequence[HttpRoute], references: References, where: Where) -> tuple[Route, ...]:
    """All rows of the routes of one hostname. Of equal matches the older route's comes first, then the earlier
    rule's."""
    rows = [
        ((*precedence(row.match), *age(route), number, index), row)
        for route in routes
        for number, rule in enumerate(http_rules(route))
        for index, row in enumerate(_rows(route, number, rule, references, where))
    ]
    return tuple(row for _, row in sorted(rows, key=lambda pair: pair[0]))


def _rows(route: HttpRoute, number: int, rule: HttpRule, references: References, where: Where) -> Iterator[Route]:
    """One row for each match of a rule."""
    filters = {filter_.type: filter_ for filter_ in rule.filters}
    headers = header_changes(rule.filters)
    redirect = filters["RequestRedirect"].request_redirect if "RequestRedirect" in filters else None
    rewrite = filters["URLRewrite"].url_rewrite if "URLRewrite" in filters else None
    cors = filters["CORS"].cors if "CORS" in filters else None
    forward, fault = forward_of(route, rule, references, where)
    for match in _matches(rule):
        action: Forward | Redirect | Respond = forward
        if redirect is not None:
            action = redirect_of(redirect, match, where)
        elif isinstance(forward, Forward):
            action = replace(forward, rewrite=rewrite_of(rewrite, headers.authority, match))
        yield Route(
            name=f"{route.metadata.namespace}/{route.metadata.name}[{rule.name or number}]",
            match=match,
            action=action,
            headers=replace(headers, authority=""),
            fault=None if redirect is not None else fault,
            cors=cors_of(cors) if cors is not None else None,
            origins=(ref_of(route),),
        )


def _matches(rule: HttpRule) -> Iterator[Match]:
    """A rule without matches takes every request."""
    matches: Sequence[HTTPRouteMatch | GRPCRouteMatch]
    if isinstance(rule, HTTPRouteRule):
        matches = rule.matches or [HTTPRouteMatch()]
    else:
        matches = rule.matches or [GRPCRouteMatch()]
    for match in matches:
        yield http_match(match) if isinstance(match, HTTPRouteMatch) else grpc_match(match)
