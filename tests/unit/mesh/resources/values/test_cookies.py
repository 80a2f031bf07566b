"""What a request's cookies say, and the same as a regular expression."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.resources.values.cookies import cookie_pattern, first_cookie
from tests.support.cookies import ODD_COOKIES

PIECES = st.sampled_from(("user", "fox", "=", ";", "; ", " ", "\t", ",", "u", "us", "x", '"', "user=fox", "user=ann"))


@pytest.mark.parametrize(("cookie", "is_fox"), ODD_COOKIES)
def test_a_cookies_value_is_what_stands_between_semicolons(cookie: str, is_fox: bool) -> None:
    assert (first_cookie([cookie], "user") == "fox") is is_fox
    assert bool(re.fullmatch(cookie_pattern("user", "fox"), cookie)) is is_fox


def test_several_cookie_lines_count_as_one() -> None:
    assert first_cookie(["a=1", "user=fox", "user=ann"], "user") == "fox"
    assert first_cookie(["prefs=x,", "user=fox"], "user") == "fox"
    assert first_cookie([], "user") is None


@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from((("user", "fox"), ("u", "x"), ("a.b", "c+d"))))
def test_the_pattern_matches_exactly_the_first_cookies_value(cookie: str, pair: tuple[str, str]) -> None:
    name, value = pair
    assert bool(re.fullmatch(cookie_pattern(name, value), cookie)) is (first_cookie([cookie], name) == value)
