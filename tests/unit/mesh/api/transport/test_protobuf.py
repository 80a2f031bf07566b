"""Bodies as kubectl's typed commands send them: what is malformed is refused, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.api.transport.protobuf import MAGIC, decode
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
