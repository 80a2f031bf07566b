"""Rows to Envoy's Route messages; each feature of a row is encoded in the module of its name."""

from envoy.config.route.v3 import route_components_pb2 as rc

from mesh.envoy.encode.access import FILTER as ACCESS_FILTER
from mesh.envoy.encode.access import encode_access
from mesh.envoy.encode.authentication import encode_requirement
from mesh.envoy.encode.cors import FILTER as CORS_FILTER
from mesh.envoy.encode.cors import encode_cors
from mesh.envoy.encode.fault import FILTER as FAULT_FILTER
from mesh.envoy.encode.fault import encode_fault
from mesh.envoy.encode.forward import encode_forward
from mesh.envoy.encode.headers import encode_headers
from mesh.envoy.encode.match import encode_match
from mesh.envoy.encode.redirect import encode_redirect
from mesh.routing.model.route import Forward, Redirect, Respond, Retry, Route
from mesh.routing.security.authentication import ROWS


def encode_route(route: Route, *, inherited: Retry | None = None) -> rc.Route:
    """One row, named so that an access log can say which one took a request.

    `inherited` is the retry policy of the row's virtual host, which the row leaves out when it has the same.
    """
    message = rc.Route(name=route.name, match=encode_match(route.match), stat_prefix=route.stat_prefix)
    match route.action:
        case Forward():
            message.route.CopyFrom(encode_forward(route.action, inherited))
        case Redirect():
            message.redirect.CopyFrom(encode_redirect(route.action))
        case Respond():
            message.direct_response.status = route.action.status
            message.direct_response.body.inline_string = route.action.body
    encode_headers(message, route.headers)
    if route.fault is not None:
        message.typed_per_filter_config[FAULT_FILTER].Pack(encode_fault(route.fault))
    if route.cors is not None:
        message.typed_per_filter_config[CORS_FILTER].Pack(encode_cors(route.cors))
    if route.authentication:
        message.typed_per_filter_config[ROWS].Pack(encode_requirement(route.authentication))
    if route.access:
        message.typed_per_filter_config[ACCESS_FILTER].Pack(encode_access(route.access))
    return message
