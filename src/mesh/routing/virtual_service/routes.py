"""VirtualService.http to rows of a route table, in order; each feature of a route is in the module of its name."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mesh.resources.istio.virtual_service import HTTPMatchRequest, HTTPRoute, VirtualService
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.destinations.views import is_shown
from mesh.routing.model.match import Match, MatchKind
from mesh.routing.model.route import Forward, Redirect, Respond, Route
from mesh.routing.virtual_service.cors import cors_of
from mesh.routing.virtual_service.delegates import delegated
from mesh.routing.virtual_service.destination import forward_of
from mesh.routing.virtual_service.direct_response import respond_of
from mesh.routing.virtual_service.fault import fault_of
from mesh.routing.virtual_service.headers import header_changes
from mesh.routing.virtual_service.match import applies, match_of
from mesh.routing.virtual_service.place import MESH, Place
from mesh.routing.virtual_service.redirect import redirect_of


def takes_everything(match: Match) -> bool:
    """Whether Istio takes a match for one of every request: it looks at path, headers, parameters and claims alone."""
    path = match.path
    every_path = path is None or (path.kind, path.value) in ((MatchKind.PREFIX, "/"), (MatchKind.REGEX, ".*"))
    return every_path and not (match.headers or match.query or match.claims)


def rows(rule: VirtualService, place: Place, delegates: Mapping[str, VirtualService]) -> Iterator[Route]:
    """The rows of one VirtualService at one place: one for each match block that can hold there.

    What follows a row of every request does not exist, also where rules are merged later.
    """
    for row in _all_rows(rule, place, delegates):
        yield row
        if takes_everything(row.match) and not row.match.source_labels:
            return


def _all_rows(rule: VirtualService, place: Place, delegates: Mapping[str, VirtualService]) -> Iterator[Route]:
    namespace = rule.metadata.namespace
    for number, route in enumerate(rule.spec.http):
        label = route.name or str(number)
        if route.delegate is None:
            yield from _expand(rule, route, label, place, (ref_of(rule),))
            continue
        delegate = delegates.get(f"{route.delegate.namespace or namespace}/{route.delegate.name}")
        if delegate is None or not is_shown(delegate.spec.export_to, delegate.metadata.namespace, namespace):
            # Istio leaves out a route whose delegate is missing, or not exported to the rule's namespace.
            continue
        origins = (ref_of(rule), ref_of(delegate))
        for inner_number, inner in enumerate(delegate.spec.http):
            merged = delegated(route, inner)
            if merged is not None:
                inner_label = f"{label}-{inner.name or inner_number}"
                yield from _expand(delegate, merged, inner_label, place, origins)


def _expand(
    rule: VirtualService, route: HTTPRoute, label: str, place: Place, origins: tuple[Ref, ...]
) -> Iterator[Route]:
    namespace = rule.metadata.namespace
    # A delegate has no hosts and is bound where its root is.
    bound = (rule.spec.gateways or [MESH]) if rule.spec.hosts else []
    blocks = [block for block in route.match or [HTTPMatchRequest()] if applies(block, bound, namespace, place)]
    if not blocks:
        return
    row = Route(
        name=f"{namespace}/{rule.metadata.name}[{label}]",
        match=Match(),
        action=_action(route, namespace, place),
        headers=replace(header_changes(route.headers), authority=""),
        fault=fault_of(route.fault),
        cors=cors_of(route.cors_policy),
        origins=origins,
    )
    for block in blocks:
        match = match_of(block, at_gateway=place.gateway != MESH)
        yield replace(row, match=match, stat_prefix=block.stat_prefix)


def _action(route: HTTPRoute, namespace: str, place: Place) -> Forward | Redirect | Respond:
    """Of several, a redirect comes before a direct response, and both before destinations, as in Istio."""
    if route.redirect is not None:
        return redirect_of(route.redirect, place)
    if route.direct_response is not None:
        return respond_of(route.direct_response)
    return forward_of(route, namespace, place)
