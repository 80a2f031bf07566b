"""Durations, quantities, percentages, hosts."""

import pytest

from mesh.resources.values.durations import seconds, share, wrong_duration
from mesh.resources.values.hosts import aliases, covers, resolve
from mesh.resources.values.names import wrong_host, wrong_labels
from mesh.resources.values.quantities import quantity


@pytest.mark.parametrize(
    ("text", "value"), [("1.5s", 1.5), ("100ms", 0.1), ("2m30s", 150.0), ("1h", 3600.0), (".5s", 0.5), ("0", 0.0)]
)
def test_a_duration_is_read_in_seconds(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["5", "", "s", "-1s", "1 s", "1d", "1s ", "\u0661s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


def test_a_duration_has_bounds() -> None:
    assert [str(each) for each in wrong_duration("10us", "t")] == ['t: "10us" is below 1ms']
    assert [str(each) for each in wrong_duration("0s", "t", positive=True)] == ['t: "0s" is below 1ms']
    assert list(wrong_duration("0s", "t")) == []
    assert "is above" in str(next(wrong_duration("9" * 400 + "h", "t")))


@pytest.mark.parametrize(
    ("text", "value"),
    [("250m", 0.25), ("64Mi", 67108864.0), ("1e3", 1000.0), ("1E", 1e18), ("1.5G", 1.5e9), (2, 2.0), ("-1", -1.0)],
)
def test_a_quantity_is_a_number(text: str | int, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "a", "1 Mi", "1mi", "1e", "1Kib", "--1"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity(text)


def test_a_share_rounds_up_or_down() -> None:
    assert (share("25%", 5, up=True), share("25%", 5, up=False), share(3, 5, up=True)) == (2, 1, 3)
    for wrong in ("25", "%", "-1%", "\u00b2%", "9999999999%"):
        with pytest.raises(ValueError, match="percentage"):
            share(wrong, 5, up=True)


def test_a_short_host_is_of_the_rules_namespace() -> None:
    assert resolve("products", "mesh") == "products.mesh.svc.cluster.local"
    assert resolve("Products", "mesh") == "products.mesh.svc.cluster.local"
    assert resolve("shop.example.com", "mesh") == "shop.example.com"
    assert resolve("*.example.com", "mesh") == "*.example.com"
    assert aliases("products", "mesh", "mesh")[0] == "products"
    assert aliases("products", "mesh", "other")[0] == "products.mesh"


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*", "a", True),
        ("*.example.com", "x.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.com", "*.example.com", True),
        ("a.com", "b.com", False),
    ],
)
def test_a_wildcard_covers_what_ends_like_it(pattern: str, host: str, expected: bool) -> None:
    assert covers(pattern, host) is expected


def test_names_are_held_against_kubernetes_rules() -> None:
    assert [wrong_host(host) for host in ("*", "*.a.b", "a", "a.b.", "A.b", "10.0.0.1")] == [""] * 6
    assert all(wrong_host(host) for host in ("", "a b", "*a", "a.*", "-a", "a..b", "a/b", "a" * 300))
    assert wrong_labels({"a": "", "example.com/x": "1", "A_b.c": "Y"}) == []
    for key, value in (("", "x"), ("a b", "x"), ("/a", "x"), ("a/b/c", "x"), ("a", "-"), ("a", "x" * 64)):
        assert [wrong for wrong, _ in wrong_labels({key: value})] == [key]
