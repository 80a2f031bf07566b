"""The filter CORS."""

import re

from mesh.resources.gateway_api.types import HTTPCORSFilter
from mesh.routing.model.match import MatchKind, Pattern
from mesh.routing.model.route import Cors


def cors_of(cors: HTTPCORSFilter) -> Cors:
    """Preflights from other origins are answered without CORS headers and do not reach a backend."""
    return Cors(
        allow_origins=tuple(_origin(origin) for origin in cors.allow_origins),
        allow_methods=tuple(cors.allow_methods),
        allow_headers=tuple(cors.allow_headers),
        expose_headers=tuple(cors.expose_headers),
        max_age=float(cors.max_age),
        allow_credentials=cors.allow_credentials,
        forward_unmatched=False,
    )


def _origin(origin: str) -> Pattern:
    """An origin, in which `*` stands for any text."""
    if "*" not in origin:
        return Pattern(MatchKind.EXACT, origin)
    return Pattern(MatchKind.REGEX, ".*".join(map(re.escape, origin.split("*"))))
