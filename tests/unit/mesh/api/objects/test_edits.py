"""What a user changed stays; what a new version of the manifests changes arrives."""

from typing import Any

import pytest

from mesh.api.objects.edits import with_edits
from mesh.api.objects.merging import list_key

KEY_OF = list_key("apps", "Deployment")
MANIFEST = {"spec": {"replicas": 1, "paused": False}}


@pytest.mark.parametrize(
    ("applied", "live", "new", "result"),
    [
        ({"a": 1}, {"a": 1}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 3}, {"a": 1}, {"a": 3}),
        ({"a": 1}, {"a": 3}, {"a": 2}, {"a": 3}),
        ({"a": 1}, {}, {"a": 1}, {}),
        ({"a": 1}, {"a": 1}, {}, {}),
        ({"a": 1}, {"a": 3}, {}, {"a": 3}),
        ({}, {"a": 3}, {"a": 2}, {"a": 2}),
        ({}, {"a": 3}, {}, {}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 3, "c": 1}}, {"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "default": 0}}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "default": 0}}, {}, {}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1, 2, 3]}, {"a": [1]}),
        ({"a": [1, 2]}, {"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": [1, 2, 3]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "default": 0}]}, {"a": [{"b": 2}]}, {"a": [{"b": 2}]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": 2}, {"a": {"b": 1}}),
    ],
)
def test_each_field_is_the_users_or_the_programs(applied: Any, live: Any, new: Any, result: Any) -> None:
    assert with_edits(applied, live, new, KEY_OF) == result


def _containers(*members: dict[str, Any]) -> dict[str, Any]:
    return {"containers": list(members)}


def test_members_of_lists_are_told_apart_by_their_key() -> None:
    applied = _containers({"name": "main", "image": "a:1"}, {"name": "side", "image": "b:1"})
    live = _containers({"name": "own", "image": "c"}, {"name": "main", "image": "mine"})
    new = _containers(
        {"name": "main", "image": "a:2"}, {"name": "side", "image": "b:2"}, {"name": "more", "image": "d"}
    )
    kept = with_edits(applied, live, new, KEY_OF)
    assert kept == _containers({"name": "main", "image": "mine"}, {"name": "more", "image": "d"})
