"""Routes that no request reaches are found as by comparing every block with all earlier ones, at a lower cost."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.resources.analysis import shadowing
from mesh.resources.analysis.shadowing import EVERYTHING, shadowed, takes
from mesh.resources.istio.virtual_service import HTTPMatchRequest, VirtualService
from mesh.resources.validation.manifest import validate
from tests.support.objects import rule, to

Json = dict[str, Any]
MATCHES = st.sampled_from([{"exact": "/a/b"}, {"prefix": "/a"}, {"prefix": "/"}, {"regex": "/a.*"}, {"exact": "/c"}])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "uri": MATCHES,
        "method": st.sampled_from([{"exact": "GET"}, {"exact": "PUT"}]),
        "headers": st.dictionaries(st.sampled_from(["x", "y"]), st.one_of(MATCHES, st.just({})), max_size=2),
        "withoutHeaders": st.dictionaries(st.just("z"), MATCHES, max_size=1),
        "queryParams": st.dictionaries(st.sampled_from(["q"]), MATCHES, max_size=1),
        "sourceLabels": st.dictionaries(st.just("app"), st.sampled_from(["a", "b"]), max_size=1),
        "port": st.sampled_from([80, 81]),
        "gateways": st.sampled_from([["mesh"], ["mesh", "door"]]),
    },
)
ROUTES = st.lists(st.lists(FIELDS, max_size=3), min_size=1, max_size=12)


def typed(blocks: list[list[Json]]) -> VirtualService:
    routes = [to("users", **({"match": block} if block else {})) for block in blocks]
    found = validate(rule("r", "users", *routes)).typed
    assert isinstance(found, VirtualService)
    return found


def by_comparing_all(rule: VirtualService) -> list[str]:
    """The paths that are told, by the plain rule."""
    found: list[str] = []
    earlier: list[HTTPMatchRequest] = []
    for number, route in enumerate(rule.spec.http):
        blocks = route.match or [EVERYTHING]
        if all(any(takes(held, block) for held in earlier) for block in blocks):
            found.append(f"spec.http[{number}]")
        if EVERYTHING in earlier:
            break
        earlier += blocks
    return found


@given(ROUTES)
@settings(max_examples=300, deadline=None)
def test_the_same_routes_are_told_as_by_comparing_all(blocks: list[list[Json]]) -> None:
    held = typed(blocks)
    assert [item.path for item in shadowed(held)] == by_comparing_all(held)


def test_thousands_of_routes_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def counted(*blocks: Any) -> bool:
        nonlocal count
        count += 1
        return takes(*blocks)

    monkeypatch.setattr(shadowing, "takes", counted)
    users: list[list[Json]] = [[{"headers": {"x-user": {"exact": f"u{n}"}, "x": {"exact": "/a"}}}] for n in range(2000)]
    paths: list[list[Json]] = [[{"uri": {"prefix": f"/p{n}/"}}] for n in range(2000)]
    held = typed([*users, *paths, [{"uri": {"exact": "/p7/x"}}]])
    assert [item.path for item in shadowed(held)] == ["spec.http[4000]"]
    assert count < 4 * 4001
