"""What is remembered of a canary, and how an object gets back to what it was."""

from typing import Any

import pytest

from mesh.canary.record import Record, Restoring, Touched, restored, restoring


def touched(**more: Any) -> Touched:
    values: dict[str, Any] = {"original": ["a"], "written": ["b"], "previous": ["c"], **more}
    return Touched("networking.istio.io", "VirtualService", "mesh", "mall", "http", **values)


@pytest.mark.parametrize(
    ("current", "created", "what"),
    [
        (["b"], False, Restoring.WRITE),
        (["c"], False, Restoring.WRITE),
        (["a"], False, Restoring.NOTHING),
        (["theirs"], False, Restoring.LEAVE),
        (["b"], True, Restoring.DELETE),
        (["theirs"], True, Restoring.LEAVE),
    ],
)
def test_only_what_the_canary_has_written_is_restored(current: list[str], created: bool, what: Restoring) -> None:
    assert restoring(touched(created=created), {"spec": {"http": current}}) is what
    assert restoring(touched(created=created), None) is Restoring.NOTHING


def test_a_field_that_was_not_there_goes_again() -> None:
    body = {"spec": {"hosts": ["mall"], "http": ["b"]}}
    assert restored(touched(), body) == {"spec": {"hosts": ["mall"], "http": ["a"]}}
    assert restored(touched(original=None), body) == {"spec": {"hosts": ["mall"]}}


def test_a_record_survives_in_its_config_map() -> None:
    record = Record("mesh", "mall", "v2", 12.5, 20, "20 % to v2", (touched(),))
    body = record.body()
    assert (body["metadata"]["name"], Record.of(body)) == ("canary-mall", record)
    assert Record.of({"metadata": {"name": "canary-mall"}, "data": body["data"]}) is None
    body["data"]["canary.json"] = "{}"
    assert Record.of(body) is None
