"""Sets of completion indexes as text."""

import pytest

from mesh.resources.values import indexes


@pytest.mark.parametrize(
    ("values", "text"), [((), ""), ((4,), "4"), ((0, 1), "0,1"), ((5, 0, 2, 3, 4, 9), "0,2-5,9"), ((0, 1, 2), "0-2")]
)
def test_runs_are_written_as_ranges_and_read_back(values: tuple[int, ...], text: str) -> None:
    assert indexes.text_of(values) == text
    assert indexes.parse(text, 100) == set(values)


def test_indexes_beyond_the_completions_are_left_out() -> None:
    assert indexes.parse("0,2-9", 4) == {0, 2, 3}


@pytest.mark.parametrize("text", ["a", "3,1", "4-2", "1-1", "-1", "1,,2", "1-"])
def test_what_does_not_ascend_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        indexes.parse(text, 10)
