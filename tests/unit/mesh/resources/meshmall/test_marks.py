"""The marks of branches, as text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mesh.resources.meshmall.marks import TAG_PREFIX, tag_of, unmarked

NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)


@given(st.binary(max_size=40), NAMES)
def test_a_tag_is_half_a_trace_id_and_depends_on_secret_and_name(secret: bytes, name: str) -> None:
    tag = tag_of(secret, name)
    assert re.fullmatch(f"{TAG_PREFIX}[0-9a-f]{{10}}", tag)
    assert tag == tag_of(secret, name)
    assert tag not in (tag_of(secret + b"x", name), tag_of(secret, name + "x"))


@given(st.text(), st.lists(NAMES, max_size=3))
def test_the_id_before_the_marks_is_found_again(request_id: str, names: list[str]) -> None:
    plain = unmarked(request_id)
    marked = plain + "".join(f"@{name}-{tag_of(b'', name)}" for name in names)
    assert unmarked(marked) == plain
    assert unmarked(plain) == plain
