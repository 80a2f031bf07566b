"""Which capabilities a securityContext leaves to a container."""

from mesh.pods.sandbox.capabilities import DEFAULT, NAMES, granted


def test_nothing_said_is_the_default() -> None:
    assert set(granted([], [])) == set(DEFAULT)
    assert "NET_RAW" not in DEFAULT
    assert "SYS_ADMIN" not in DEFAULT


def test_drop_and_add() -> None:
    assert granted(["NET_BIND_SERVICE"], ["ALL"]) == ("NET_BIND_SERVICE",)
    assert "CHOWN" not in granted([], ["CAP_CHOWN", "kill"])
    assert "NET_RAW" in granted(["NET_RAW"], [])
    assert granted(["ALL"], []) == NAMES
    assert set(granted(["NO_SUCH"], [])) == set(DEFAULT)


def test_numbers_are_the_kernels() -> None:
    assert [NAMES.index(name) for name in ("CHOWN", "NET_ADMIN", "SYS_ADMIN", "SETFCAP", "BPF")] == [0, 12, 21, 31, 39]
