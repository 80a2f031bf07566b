"""VirtualService.http[].directResponse."""

import base64

from mesh.resources.istio.virtual_service import HTTPDirectResponse
from mesh.routing.model.route import Respond


def respond_of(response: HTTPDirectResponse) -> Respond:
    """The answer that needs no pod; a body in base64 is sent as the text that it is."""
    body, text = response.body, ""
    if body is not None and body.string is not None:
        text = body.string
    elif body is not None and body.bytes is not None:
        text = base64.b64decode(body.bytes).decode(errors="replace")
    return Respond(response.status, text)
