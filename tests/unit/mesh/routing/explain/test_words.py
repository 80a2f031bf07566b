"""Rows in words: what a person reads of a rewrite."""

import pytest

from mesh.routing.explain.words import effects, rewritten
from mesh.routing.model.match import Match, MatchKind, Pattern
from mesh.routing.model.route import Forward, Rewrite, Route


def prefix(value: str) -> Pattern:
    return Pattern(MatchKind.PREFIX, value)


@pytest.mark.parametrize(
    ("rewrite", "pattern", "path", "after"),
    [
        (Rewrite(prefix="/"), prefix("/api"), "/api/foo", "//foo"),
        (Rewrite(prefix="/"), prefix("/api/"), "/api/foo", "/foo"),
        (Rewrite(prefix="/new"), Pattern(MatchKind.EXACT, "/old"), "/old", "/new"),
        (Rewrite(prefix="/new"), Pattern(MatchKind.REGEX, "/o.*"), "/old/thing", "/new"),
        (Rewrite(prefix="/new/"), None, "/old", "/new/old"),
        (Rewrite(regex="^/public/(.*)$", substitution=r"/\1"), None, "/public/product", "/product"),
        (Rewrite(authority="other"), prefix("/"), "/x", "/x"),
    ],
)
def test_the_path_that_the_service_sees(rewrite: Rewrite, pattern: Pattern | None, path: str, after: str) -> None:
    assert rewritten(rewrite, pattern, path) == after


def test_a_double_slash_is_pointed_out() -> None:
    route = Route("row", Match(path=prefix("/api")), Forward((), rewrite=Rewrite(prefix="/")))
    (line,) = effects(route, "/api/foo")
    assert line.startswith("rewrites the path: /api/foo to //foo (mind the double slash")
    (line,) = effects(route)
    assert line == "rewrites the path's matched part to /"
