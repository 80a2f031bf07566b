"""Delegates: the routes of a VirtualService without hosts, as they act through another one (Istio's meaning)."""

from collections.abc import Iterable, Mapping, Sequence

from mesh.resources.istio.common import StringMatch
from mesh.resources.istio.virtual_service import HTTPMatchRequest, HTTPRoute, VirtualService


def delegates_of(rules: Iterable[VirtualService]) -> Mapping[str, VirtualService]:
    """The VirtualServices that have no hosts: they act through others, by "namespace/name"."""
    return {f"{rule.metadata.namespace}/{rule.metadata.name}": rule for rule in rules if not rule.spec.hosts}


def delegated(root: HTTPRoute, inner: HTTPRoute) -> HTTPRoute | None:
    """A delegate's route under the root's: both matches must hold, the root fills in what the delegate does
    not say. None when no pair of match blocks goes together."""
    blocks = _combined(root.match, inner.match)
    if blocks is None:
        return None
    return HTTPRoute(
        name=inner.name,
        match=blocks,
        route=inner.route,
        redirect=inner.redirect,
        direct_response=inner.direct_response,
        # The delegate's own settings count; the root's are defaults. What decides where a request goes is the
        # delegate's alone.
        rewrite=inner.rewrite or root.rewrite,
        timeout=inner.timeout or root.timeout,
        retries=inner.retries or root.retries,
        fault=inner.fault or root.fault,
        mirror=inner.mirror or root.mirror,
        mirrors=inner.mirrors or root.mirrors,
        mirror_percentage=inner.mirror_percentage or root.mirror_percentage,
        mirror_percent=inner.mirror_percent if inner.mirror_percent is not None else root.mirror_percent,
        cors_policy=inner.cors_policy or root.cors_policy,
        headers=inner.headers or root.headers,
    )


def _combined(root: Sequence[HTTPMatchRequest], inner: Sequence[HTTPMatchRequest]) -> list[HTTPMatchRequest] | None:
    """Each of the delegate's blocks with those of the root that it is narrower than. None when one has no such
    root: then the route has no effect, as in Istio."""
    if not root or not inner:
        return list(root or inner)
    blocks: list[HTTPMatchRequest] = []
    for block in inner:
        fitting = [_both(outer, block) for outer in root if _is_narrower(outer, block)]
        if not fitting:
            return None
        blocks += fitting
    return blocks


def _is_narrower(outer: HTTPMatchRequest, inner: HTTPMatchRequest) -> bool:
    """Whether a delegate's block asks nothing that contradicts the root's, or takes more of one part than it.

    The same as Istio decides it (pilot/pkg/model/virtualservice.go, hasConflict), also where it refuses pairs that
    would go together: one half of a path with case and the other without, a presence with a value.
    """
    pairs = [(outer.uri, inner.uri), (outer.scheme, inner.scheme)]
    pairs += [(outer.method, inner.method), (outer.authority, inner.authority)]
    for name in ("headers", "without_headers", "query_params"):
        first, second = getattr(outer, name), getattr(inner, name)
        pairs += [(first[key], second[key]) for key in first.keys() & second.keys()]
    if not all(first is None or second is None or _is_part(first, second) for first, second in pairs):
        return False
    if outer.ignore_uri_case != inner.ignore_uri_case:
        return False
    if outer.port and inner.port and outer.port != inner.port:
        return False
    if outer.source_namespace and inner.source_namespace != outer.source_namespace:
        return False
    if outer.gateways and not set(inner.gateways) <= set(outer.gateways):
        return False
    first, second = outer.source_labels, inner.source_labels
    return all(first[key] == second[key] for key in first.keys() & second.keys())


def _is_part(outer: StringMatch, inner: StringMatch) -> bool:
    """Whether all that the second takes is taken by the first, as Istio decides it: no regex is part of another, and
    an empty text is none."""
    if outer.regex and (inner.regex or inner.prefix or inner.exact):
        return False
    if inner.regex and (outer.regex or outer.prefix or outer.exact):
        return False
    if outer.exact:
        return inner.exact == outer.exact
    text = inner.prefix or inner.exact
    return bool(outer.prefix and text and text.startswith(outer.prefix))


def _both(outer: HTTPMatchRequest, inner: HTTPMatchRequest) -> HTTPMatchRequest:
    """One block that asks what both ask, of one part what the narrower one asks."""
    return HTTPMatchRequest(
        name="-".join(name for name in (outer.name, inner.name) if name),
        uri=inner.uri or outer.uri,
        scheme=inner.scheme or outer.scheme,
        method=inner.method or outer.method,
        authority=inner.authority or outer.authority,
        headers={**outer.headers, **inner.headers},
        without_headers={**outer.without_headers, **inner.without_headers},
        query_params={**outer.query_params, **inner.query_params},
        source_labels={**outer.source_labels, **inner.source_labels},
        ignore_uri_case=outer.ignore_uri_case or inner.ignore_uri_case,
        port=inner.port or outer.port,
        source_namespace=inner.source_namespace or outer.source_namespace,
        gateways=inner.gateways or outer.gateways,
        stat_prefix=inner.stat_prefix or outer.stat_prefix,
    )
