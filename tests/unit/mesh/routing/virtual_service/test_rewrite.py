"""rewrite of a VirtualService."""

from typing import Any

import msgspec
import pytest

from mesh.resources.istio.virtual_service import HTTPRoute
from mesh.routing.model.route import Rewrite
from mesh.routing.virtual_service.rewrite import rewrite_of

HOST = {"headers": {"request": {"set": {"host": "set.example.com"}}}}


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({}, None),
        (HOST, Rewrite(authority="set.example.com")),
        ({"rewrite": {"uri": "/new"}}, Rewrite(prefix="/new")),
        ({"rewrite": {"authority": "a.example.com"}}, Rewrite(authority="a.example.com")),
        ({"rewrite": {"authority": "a.example.com"}, **HOST}, Rewrite(authority="set.example.com")),
        (
            {"rewrite": {"uriRegexRewrite": {"match": "^/a/(.*)$", "rewrite": r"/b/\1"}}},
            Rewrite(regex="^/a/(.*)$", substitution=r"/b/\1"),
        ),
    ],
)
def test_path_and_host_are_rewritten(route: dict[str, Any], expected: Rewrite | None) -> None:
    assert rewrite_of(msgspec.convert(route, HTTPRoute)) == expected
