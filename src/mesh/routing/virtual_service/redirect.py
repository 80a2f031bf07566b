"""VirtualService.http[].redirect."""

from mesh.resources.istio.virtual_service import HTTPRedirect
from mesh.resources.values.hosts import SCHEME_PORTS
from mesh.routing.model.route import Redirect
from mesh.routing.virtual_service.place import Place


def redirect_of(redirect: HTTPRedirect, place: Place) -> Redirect:
    """`derivePort` FROM_REQUEST_PORT is the port that clients really call, which may not be the Gateway's."""
    port = redirect.port or None
    if redirect.derive_port == "FROM_PROTOCOL_DEFAULT":
        port = SCHEME_PORTS.get(redirect.scheme or "http")
    elif redirect.derive_port == "FROM_REQUEST_PORT":
        port = place.here or place.port
    return Redirect(
        status=redirect.redirect_code,
        scheme=redirect.scheme or None,
        authority=redirect.authority or None,
        port=port,
        path=redirect.uri or None,
        prefix=redirect.prefix_rewrite or None,
    )
