"""VirtualService.http[].redirect."""

from mesh.resources.istio.virtual_service import HTTPRedirect
from mesh.resources.values.hosts import SCHEME_PORTS
from mesh.routing.model.route import Redirect
from mesh.routing.virtual_service.place import Place


def redirect_of(redirect: HTTPRedirect, place: Place) -> Redirect:
    """`derivePort` FROM_REQUEST_PORT is the port that clients really call, which may not be the Gateway's.

    The scheme's own port is left out, as FROM_PROTOCOL_DEFAULT leaves it to Envoy: that takes it where the scheme
    changes, and keeps the request's own port otherwise.
    """
    port = redirect.port or None
    if redirect.derive_port == "FROM_REQUEST_PORT":
        port = place.port
    if port == SCHEME_PORTS.get(redirect.scheme or "http"):
        port = None
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
