"""CORS policies to the messages of Envoy's CORS filter."""

from envoy.extensions.filters.http.cors.v3 import cors_pb2

from mesh.envoy.encode.match import string_matcher
from mesh.routing.model.route import Cors

FILTER = "envoy.filters.http.cors"


def encode_cors(cors: Cors) -> cors_pb2.CorsPolicy:
    """Which pages of other origins may call a route; the lists are one header value each, as the browser reads them."""
    message = cors_pb2.CorsPolicy(
        allow_origin_string_match=[string_matcher(origin) for origin in cors.allow_origins],
        allow_methods=",".join(cors.allow_methods),
        allow_headers=",".join(cors.allow_headers),
        expose_headers=",".join(cors.expose_headers),
    )
    message.forward_not_matching_preflights.value = cors.forward_unmatched
    if cors.max_age is not None:
        message.max_age = str(int(cors.max_age))
    if cors.allow_credentials is not None:
        message.allow_credentials.value = cors.allow_credentials
    return message
