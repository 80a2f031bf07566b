"""Quantities, as Kubernetes writes them."""

import pytest

from mesh.resources.values.quantities import quantity


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
