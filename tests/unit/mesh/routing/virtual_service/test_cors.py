"""corsPolicy of a VirtualService."""

import msgspec

from mesh.resources.istio.virtual_service import CorsPolicy
from mesh.routing.model.match import MatchKind, Pattern
from mesh.routing.model.route import Cors
from mesh.routing.virtual_service.cors import cors_of


def test_origins_of_both_lists_are_allowed() -> None:
    policy = {
        "allowOrigins": [{"prefix": "https://a."}],
        "allowOrigin": ["https://b.example.com"],
        "allowMethods": ["GET"],
        "maxAge": "24h",
        "allowCredentials": True,
    }
    assert cors_of(msgspec.convert(policy, CorsPolicy)) == Cors(
        allow_origins=(Pattern(MatchKind.PREFIX, "https://a."), Pattern(MatchKind.EXACT, "https://b.example.com")),
        allow_methods=("GET",),
        max_age=86400.0,
        allow_credentials=True,
    )
    assert cors_of(None) is None


def test_other_preflights_go_on_unless_the_policy_ignores_them() -> None:
    ignoring = cors_of(msgspec.convert({"unmatchedPreflights": "IGNORE"}, CorsPolicy))
    forwarding = cors_of(msgspec.convert({"unmatchedPreflights": "FORWARD"}, CorsPolicy))
    assert ignoring is not None
    assert forwarding is not None
    assert (ignoring.forward_unmatched, forwarding.forward_unmatched) == (False, True)
