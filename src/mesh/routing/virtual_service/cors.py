"""VirtualService.http[].corsPolicy."""

from mesh.resources.istio.virtual_service import CorsPolicy
from mesh.resources.values.durations import seconds
from mesh.routing.model.match import MatchKind, Pattern
from mesh.routing.model.route import Cors
from mesh.routing.virtual_service.match import pattern_of


def cors_of(policy: CorsPolicy | None) -> Cors | None:
    """`allowOrigin` is Istio's older list of exact origins. Preflights from elsewhere go on unless IGNORE is said."""
    if policy is None:
        return None
    origins = [pattern_of(match) for match in policy.allow_origins]
    origins += [Pattern(MatchKind.EXACT, origin) for origin in policy.allow_origin]
    return Cors(
        allow_origins=tuple(origins),
        allow_methods=tuple(policy.allow_methods),
        allow_headers=tuple(policy.allow_headers),
        expose_headers=tuple(policy.expose_headers),
        max_age=seconds(policy.max_age) if policy.max_age else None,
        allow_credentials=policy.allow_credentials,
        forward_unmatched=policy.unmatched_preflights != "IGNORE",
    )
