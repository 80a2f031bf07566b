"""Matches of HTTPRoutes and GRPCRoutes, and which of two comes first."""

from typing import Any

import msgspec
import pytest

from mesh.resources.gateway_api.types import GRPCRouteMatch, HTTPRouteMatch
from mesh.routing.gateway_api.match import grpc_match, http_match, precedence
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern


def http(**match: Any) -> Match:
    return http_match(msgspec.convert(match, HTTPRouteMatch))


def path(value: str, kind: str = "PathPrefix") -> dict[str, str]:
    return {"type": kind, "value": value}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (path("/"), None),
        (path("/a/"), Pattern(MatchKind.PATH_PREFIX, "/a")),
        (path("/a/", "Exact"), Pattern(MatchKind.EXACT, "/a/")),
        (path("/a.*", "RegularExpression"), Pattern(MatchKind.REGEX, "/a.*")),
    ],
)
def test_a_path_is_matched_by_its_type(value: dict[str, str], expected: Pattern | None) -> None:
    assert http(path=value).path == expected


def test_of_two_matches_for_one_header_the_first_counts() -> None:
    headers = [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]
    query = [{"name": "A", "value": "1"}, {"name": "a", "value": "2", "type": "RegularExpression"}]
    match = http(headers=headers, queryParams=query, method="GET")
    assert match.headers == (
        FieldMatch(":method", Pattern(MatchKind.EXACT, "GET")),
        FieldMatch("x-a", Pattern(MatchKind.EXACT, "1")),
    )
    assert [field.name for field in match.query] == ["A", "a"]
    assert match.query[1].pattern.kind is MatchKind.REGEX


def test_the_more_specific_match_comes_first() -> None:
    header = [{"name": "a", "value": "1"}]
    ordered = [
        http(path=path("/a", "Exact")),
        http(path=path("/a.*", "RegularExpression")),
        http(path=path("/a/b")),
        http(path=path("/a"), method="GET"),
        http(path=path("/a"), headers=[*header, {"name": "b", "value": "1"}]),
        http(path=path("/a"), headers=header, queryParams=header),
        http(path=path("/a"), headers=header),
        http(path=path("/a"), queryParams=header),
        http(path=path("/a")),
        http(path=path("/"), method="GET"),
        http(path=path("/")),
    ]
    keys = [precedence(match) for match in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (None, None),
        ({"service": "a.B", "method": "C"}, Pattern(MatchKind.EXACT, "/a.B/C")),
        ({"service": "a.B"}, Pattern(MatchKind.PATH_PREFIX, "/a.B")),
        ({"method": "C"}, Pattern(MatchKind.REGEX, "/[^/]+/C")),
        ({"type": "RegularExpression", "service": "a.*"}, Pattern(MatchKind.REGEX, "/a.*/[^/]+")),
    ],
)
def test_a_grpc_method_is_a_path(method: dict[str, str] | None, expected: Pattern | None) -> None:
    assert grpc_match(msgspec.convert({"method": method} if method else {}, GRPCRouteMatch)).path == expected
