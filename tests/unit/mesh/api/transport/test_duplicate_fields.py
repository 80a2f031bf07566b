"""Fields that JSON has twice are found, wherever they are and however they are written."""

import pytest

from mesh.api.transport.duplicate_fields import duplicate_fields


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        (b'{"a":1,"a":2}', ["a"]),
        (b'{"data": {"a" : "1", "b":"2", "a": "3"}}', ["data.a"]),
        (b'{"items":[{"a":1},{"a":1,"a":1}]}', ["items[1].a"]),
        (b'{"a":{"b":1},"b":{"a":1}}', []),
        (b'{"a":"\\":"}', []),
        (b'{ "a" : [ ] }', []),
        (b"", []),
        (b"{", []),
    ],
)
def test_duplicates_are_named_by_their_path(raw: bytes, paths: list[str]) -> None:
    assert duplicate_fields(raw) == paths
