"""Match blocks of VirtualServices: what they ask, and where they hold."""

from typing import Any

import msgspec

from mesh.resources.istio.virtual_service import HTTPMatchRequest
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.virtual_service.match import match_of


def matched(block: dict[str, Any], *, at_gateway: bool = False) -> Match:
    return match_of(msgspec.convert(block, HTTPMatchRequest), at_gateway=at_gateway)


def test_query_parameters_are_compared_by_name() -> None:
    match = matched({"queryParams": {"view": {"exact": "new"}, "id": {"regex": "[0-9]+"}, "all": {}}})
    assert match.query == (
        FieldMatch("all", Pattern(MatchKind.PRESENT)),
        FieldMatch("id", Pattern(MatchKind.REGEX, "[0-9]+")),
        FieldMatch("view", Pattern(MatchKind.EXACT, "new")),
    )


def test_method_scheme_and_authority_are_pseudo_headers_and_names_have_no_case() -> None:
    block = {"method": {"exact": "GET"}, "authority": {"prefix": "shop."}, "headers": {"X-Dev": {"exact": "1"}}}
    match = matched(block)
    assert [header.name for header in match.headers] == [":method", ":authority", "x-dev"]


def test_a_header_that_must_not_fit_is_one_inverted_match() -> None:
    match = matched({"withoutHeaders": {"X": {"regex": "a*"}}})
    assert match.headers == (FieldMatch("x", Pattern(MatchKind.REGEX, "a*"), invert=True),)


def test_a_block_that_names_gateways_does_not_ask_for_labels() -> None:
    assert matched({"sourceLabels": {"app": "shop"}, "gateways": ["mesh"]}).source_labels == ()


def test_a_claim_is_asked_of_the_token_and_the_caller_s_labels_inside_the_mesh_only() -> None:
    block = {"headers": {"@request.auth.claims.a.b": {"exact": "1"}}, "sourceLabels": {"app": "shop"}}
    inside = matched(block)
    gateway = matched(block, at_gateway=True)
    assert (inside.headers, inside.claims[0].path) == ((), ("a", "b"))
    assert (inside.source_labels, gateway.source_labels) == ((("app", "shop"),), ())
