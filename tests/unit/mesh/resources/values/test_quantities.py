"""Quantities: what they mean, and the form in which they are stored (Kubernetes' own)."""

import pytest

from mesh.resources.values.quantities import canonical, quantity


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (1, "1"),
        (0.5, "500m"),
        ("0", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1000k", "1M"),
        ("1024Mi", "1Gi"),
        ("100.5Gi", "102912Mi"),
        ("0.5Gi", "512Mi"),
        ("0.1Ki", "102400m"),
        ("1e3", "1e3"),
        ("12E6", "12e6"),
        ("1E", "1E"),
        (".5", "500m"),
        ("-1", "-1"),
        ("0.0000000001", "1n"),
    ],
)
def test_a_quantity_has_one_canonical_form(written: str | float, stored: str) -> None:
    assert canonical(written) == stored
    assert canonical(stored) == stored


@pytest.mark.parametrize(
    ("text", "value"),
    [("250m", 0.25), ("64Mi", 67108864.0), ("1e3", 1000.0), ("1E", 1e18), ("1.5G", 1.5e9), (2, 2.0), ("-1", -1.0)],
)
def test_a_quantity_is_a_number(text: str | int, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "a", "64Mb", "1 Mi", "1mi", "1e", "1Kib", "--1", "0x10"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity(text)
    with pytest.raises(ValueError, match="is not a quantity"):
        canonical(text)
