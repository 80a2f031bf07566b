"""Bodies as kubectl's typed commands send them: what is malformed is refused, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.api.transport.protobuf import MAGIC, SCALARS, decode
from mesh.api.transport.protobuf_tables import KINDS, TABLES
from mesh.api.transport.status_errors import Problem

# kubectl create configmap typed --from-literal=a=1, less the empty fields.
CONFIG_MAP = (
    MAGIC
    + b"\n\x0f\n\x02v1\x12\tConfigMap"
    + b"\x12\x11\n\x07\n\x05typed\x12\x06\n\x01a\x12\x011"
    + b"\x1a\x00\x22\x00"
)  # fmt: skip


def test_a_config_map_is_read() -> None:
    assert decode(CONFIG_MAP) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "typed"},
        "data": {"a": "1"},
    }


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{}", 400),
        (MAGIC + b"\x0a\xff", 400),
        (MAGIC + b"\xff" * 20, 400),
        (MAGIC + b"\n\x0b\n\x02v1\x12\x05Thing", 415),
        (MAGIC + b"\n\x0f\n\x02v1\x12\tConfigMap\x12\x03\xba\x01\x00"[:-1] + b"\x01", 400),
    ],
)
def test_what_is_no_such_message_is_refused(raw: bytes, code: int) -> None:
    with pytest.raises(Problem) as refused:
        decode(raw)
    assert refused.value.code == code


@given(st.binary(max_size=60), st.integers(0, len(CONFIG_MAP)))
def test_any_bytes_give_an_object_or_a_problem(some: bytes, at: int) -> None:
    for raw in (some, MAGIC + some, CONFIG_MAP[:at] + some + CONFIG_MAP[at:]):
        try:
            assert isinstance(decode(raw), dict)
        except Problem as problem:
            assert problem.code in (400, 415)


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, shorter than 128."""
    return bytes([number << 3 | 2, len(content)]) + content


def test_a_volumes_source_is_a_message_of_its_own_and_part_of_the_volume() -> None:
    empty = field(1, field(1, b"scratch") + field(2, field(2, b"")))
    claim = field(1, field(1, b"data") + field(2, b"R" + bytes([6]) + field(1, b"mine")))
    raw = MAGIC + field(1, field(1, b"v1") + field(2, b"Pod")) + field(2, field(2, empty + claim))
    assert decode(raw)["spec"]["volumes"] == [
        {"name": "scratch", "emptyDir": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}},
    ]


def test_zero_counts_where_it_differs_from_absent() -> None:
    raw = MAGIC + field(1, field(1, b"batch/v1") + field(2, b"Job")) + field(2, field(2, b"\x08\x00\x38\x00\x28\x00"))
    assert decode(raw)["spec"] == {"parallelism": 0, "backoffLimit": 0, "manualSelector": False}


def test_every_type_that_a_field_names_is_known() -> None:
    plain = SCALARS.keys() | {"int", "bool", "map", "byteMap", "quantityMap", "listMap", "timeMap"}
    assert TABLES.keys() >= KINDS
    for text in TABLES.values():
        for part in text.split(","):
            number, name, kind = part.split()
            assert int(number) >= 0
            assert name
            assert kind.strip("[]?") in plain | TABLES.keys()
