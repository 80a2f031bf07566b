"""Match blocks of VirtualServices: what they ask, and where they hold."""

from typing import Any

import msgspec

from mesh.resources.istio.virtual_service import HTTPMatchRequest
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.virtual_service.match import matches


def matched(block: dict[str, Any], *, at_gateway: bool = False) -> list[Match]:
    return list(matches(msgspec.convert(block, HTTPMatchRequest), at_gateway=at_gateway))


def test_query_parameters_are_compared_by_name() -> None:
    (match,) = matched({"queryParams": {"view": {"exact": "new"}, "id": {"regex": "[0-9]+"}, "all": {}}})
    assert match.query == (
        FieldMatch("all", Pattern(MatchKind.PRESENT)),
        FieldMatch("id", Pattern(MatchKind.REGEX, "[0-9]+")),
        FieldMatch("view", Pattern(MatchKind.EXACT, "new")),
    )


def test_method_scheme_and_authority_are_pseudo_headers_and_names_have_no_case() -> None:
    block = {"method": {"exact": "GET"}, "authority": {"prefix": "shop."}, "headers": {"X-Dev": {"exact": "1"}}}
    (match,) = matched(block)
    assert [header.name for header in match.headers] == [":method", ":authority", "x-dev"]


def test_a_header_that_must_not_fit_the_empty_text_needs_two_rows() -> None:
    """One for a header that is missing, one for a header that has another value."""
    first, second = matched({"withoutHeaders": {"x": {"regex": "a*"}}})
    assert first.headers == (FieldMatch("x", Pattern(MatchKind.PRESENT), invert=True),)
    assert second.headers == (FieldMatch("x", Pattern(MatchKind.REGEX, "a*"), invert=True),)
    assert len(matched({"withoutHeaders": {"x": {"regex": "a+"}}})) == 1


def test_a_claim_is_asked_of_the_token_and_the_caller_s_labels_inside_the_mesh_only() -> None:
    block = {"headers": {"@request.auth.claims.a.b": {"exact": "1"}}, "sourceLabels": {"app": "shop"}}
    (inside,) = matched(block)
    (gateway,) = matched(block, at_gateway=True)
    assert (inside.headers, inside.claims[0].path) == ((), ("a", "b"))
    assert (inside.source_labels, gateway.source_labels) == ((("app", "shop"),), ())
