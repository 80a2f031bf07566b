"""VirtualService.http[].rewrite."""

from mesh.resources.istio.virtual_service import HTTPRoute
from mesh.routing.model.route import Rewrite
from mesh.routing.virtual_service.headers import header_changes


def rewrite_of(route: HTTPRoute) -> Rewrite | None:
    """Changes of path and host; a `Host` among the route's headers wins over the rewrite's authority, as in Istio."""
    rewrite = route.rewrite
    authority = header_changes(route.headers).authority
    if rewrite is None:
        return Rewrite(authority=authority) if authority else None
    regex = rewrite.uri_regex_rewrite
    return Rewrite(
        authority=authority or rewrite.authority or None,
        prefix=rewrite.uri or None,
        regex=regex.match if regex is not None else None,
        substitution=regex.rewrite if regex is not None else None,
    )
