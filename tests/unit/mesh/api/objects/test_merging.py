"""Patches and apply's merge, as tables."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.api.objects.merging import json_patch, list_key, merge_patch, strategic_patch, three_way
from mesh.api.transport.status_errors import Problem

KEYS = list_key("apps", "Deployment")
ISTIO = list_key("networking.istio.io", "VirtualService")
NAMED = [{"name": "a", "v": 1}, {"name": "b", "v": 2}]
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.text("ab", max_size=2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "b"}, ["c"], ["c"]),
    ],
)
def test_merge_patch_does_as_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"env": NAMED}, {"env": [{"name": "b", "v": 3}]}, {"env": [NAMED[0], {"name": "b", "v": 3}]}),
        ({"env": NAMED}, {"env": [{"name": "a", "$patch": "delete"}]}, {"env": [NAMED[1]]}),
        ({"env": NAMED}, {"env": [{"$patch": "replace"}, {"name": "c"}]}, {"env": [{"name": "c"}]}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({"s": {"a": 1, "b": 2}}, {"s": {"$retainKeys": ["b"], "b": 3}}, {"s": {"b": 3}}),
        ({"s": {"a": 1}}, {"s": {"$patch": "delete"}}, {"s": {}}),
        ({"finalizers": ["x"]}, {"finalizers": ["y"]}, {"finalizers": ["y", "x"]}),
        ({"env": NAMED}, {"env": [{"name": "c"}, {"name": "b"}]}, {"env": [{"name": "c"}, *NAMED]}),
        ({"env": NAMED}, {"env": [{"name": "b"}, {"name": "c"}]}, {"env": [*NAMED, {"name": "c"}]}),
        ({"finalizers": ["x", "y"]}, {"$deleteFromPrimitiveList/finalizers": ["x"]}, {"finalizers": ["y"]}),
        (
            {"env": NAMED},
            {"env": [{"name": "c"}], "$setElementOrder/env": [{"name": "c"}, {"name": "a"}]},
            {"env": [{"name": "c"}, *NAMED]},
        ),
    ],
)
def test_strategic_patch_follows_keys_and_directives(target: Any, patch: Any, result: Any) -> None:
    assert strategic_patch(target, patch, KEYS) == result


def test_a_strategic_patch_without_its_key_is_refused() -> None:
    with pytest.raises(Problem, match='no "name" to find it by'):
        strategic_patch({"env": NAMED}, {"env": [{"v": 1}]}, KEYS)


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/l/-", "value": 3}], {"l": [1, 2, 3], "m/n": 1}),
        ([{"op": "add", "path": "/l/0", "value": 0}], {"l": [0, 1, 2], "m/n": 1}),
        ([{"op": "remove", "path": "/m~1n"}], {"l": [1, 2]}),
        ([{"op": "replace", "path": "/l/1", "value": 9}], {"l": [1, 9], "m/n": 1}),
        ([{"op": "copy", "from": "/m~1n", "path": "/c"}], {"l": [1, 2], "m/n": 1, "c": 1}),
        ([{"op": "test", "path": "/l/0", "value": 1}], {"l": [1, 2], "m/n": 1}),
        ([{"op": "replace", "path": "", "value": {}}], {}),
    ],
)
def test_json_patch_does_as_the_rfc_says(operations: Any, result: Any) -> None:
    target = {"l": [1, 2], "m/n": 1}
    assert json_patch(target, operations) == result
    assert target == {"l": [1, 2], "m/n": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nothing"},
        {"op": "add", "path": "/l/7", "value": 1},
        {"op": "add", "path": "/l/x", "value": 1},
        {"op": "fly", "path": "/l"},
        {"op": "add", "path": "l", "value": 1},
        {"path": "/l"},
        {"op": "test", "path": "/l", "value": []},
    ],
)
def test_an_operation_that_does_not_fit_is_named(operation: Any) -> None:
    with pytest.raises(Problem, match="JSON patch: operation 0") as caught:
        json_patch({"l": [1, 2]}, [operation])
    assert caught.value.code == 422


@given(json_values, json_values)
def test_a_patch_of_any_shape_gives_a_result_or_a_problem(target: Any, patch: Any) -> None:
    merge_patch(target, patch)
    three_way(target, patch, target, KEYS)
    if isinstance(patch, list):
        with suppress(Problem):
            json_patch(target, patch)


@pytest.mark.parametrize(
    ("last", "live", "new", "result"),
    [
        ({"a": 1}, {"a": 1, "other": 2}, {"a": 3}, {"a": 3, "other": 2}),
        ({"a": 1, "b": 1}, {"a": 1, "b": 1, "other": 2}, {"a": 1}, {"a": 1, "other": 2}),
        (None, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"s": {"a": 1}}, {"s": {"a": 1, "default": 5}}, {"s": {}}, {"s": {"default": 5}}),
        ({"env": NAMED}, {"env": [*NAMED, {"name": "x"}]}, {"env": NAMED[:1]}, {"env": [NAMED[0], {"name": "x"}]}),
        ({"args": ["a"]}, {"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        (
            {"ports": []},
            {"ports": [{"containerPort": 53, "protocol": "UDP", "x": 1}]},
            {"ports": [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]},
            {"ports": [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]},
        ),
        ("unreadable", {"a": 1}, {"a": 2}, {"a": 2}),
    ],
)
def test_apply_changes_what_was_applied_and_leaves_the_rest(last: Any, live: Any, new: Any, result: Any) -> None:
    assert three_way(last, live, new, KEYS) == result


def test_lists_of_custom_resources_are_replaced() -> None:
    live = {"env": [*NAMED, {"name": "x"}]}
    assert three_way({"env": NAMED}, live, {"env": NAMED[:1]}, ISTIO) == {"env": NAMED[:1]}
