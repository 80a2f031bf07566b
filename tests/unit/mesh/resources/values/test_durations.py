"""Durations and percentages."""

import pytest

from mesh.resources.values.durations import seconds, share, wrong_duration


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
    assert [str(item) for item in wrong_duration("10us", "t")] == ['t: "10us" is below 1ms']
    assert [str(item) for item in wrong_duration("0s", "t", positive=True)] == ['t: "0s" is below 1ms']
    assert list(wrong_duration("0s", "t")) == []
    assert "is above" in str(next(wrong_duration("9" * 400 + "h", "t")))


def test_a_share_rounds_up_or_down() -> None:
    assert (share("25%", 5, up=True), share("25%", 5, up=False), share(3, 5, up=True)) == (2, 1, 3)
    for wrong in ("25", "%", "-1%", "\u00b2%", "9999999999%"):
        with pytest.raises(ValueError, match="percentage"):
            share(wrong, 5, up=True)
