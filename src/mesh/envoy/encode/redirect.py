"""Redirects to Envoy's RedirectAction messages."""

from envoy.config.route.v3 import route_components_pb2 as rc

from mesh.routing.model.route import Redirect

STATUS_CODES = {
    301: rc.RedirectAction.MOVED_PERMANENTLY,
    302: rc.RedirectAction.FOUND,
    303: rc.RedirectAction.SEE_OTHER,
    307: rc.RedirectAction.TEMPORARY_REDIRECT,
    308: rc.RedirectAction.PERMANENT_REDIRECT,
}


def encode_redirect(action: Redirect) -> rc.RedirectAction:
    """Envoy takes one way of changing the path: another one, another prefix, or a substitution."""
    message = rc.RedirectAction(response_code=STATUS_CODES.get(action.status, rc.RedirectAction.MOVED_PERMANENTLY))
    if action.scheme:
        message.scheme_redirect = action.scheme
    if action.authority:
        message.host_redirect = action.authority
    if action.port:
        message.port_redirect = action.port
    if action.path:
        message.path_redirect = action.path
    elif action.prefix:
        message.prefix_rewrite = action.prefix
    elif action.regex is not None:
        message.regex_rewrite.pattern.regex = action.regex
        message.regex_rewrite.substitution = action.substitution or ""
    return message
