"""Records of branches: what scripts in Envoy read, and what of it changes with a change."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.envoy.encode.branch_records import LONGEST_FILE, NOWHERE, Record, RecordEncoder, file_name, row_name
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import BranchOverride, Entries, Entry, Marks, RouteTable, VirtualHost

TAGS = {name: f"{number:016x}" for number, name in enumerate(("ann", "bob", "cat"))}


def override(branch: str, *swap: tuple[str, str], refusal: str = "") -> BranchOverride:
    return BranchOverride(branch, swap, refusal)


def world(
    names: Sequence[str], overrides: Sequence[BranchOverride] = (), entries: Sequence[Entry] = (), **tags: str
) -> Snapshot:
    """A gateway's table and that of a namespace, both with one host at which branches make these differences."""
    marks = Marks(tuple((name, tags.get(name, TAGS[name])) for name in names))
    host = VirtualHost("web:80", ("*",), (), overrides=tuple(overrides))
    tables = (RouteTable("gateway", (host,), Entries(tuple(entries)), marks=marks), RouteTable("out", (host,)))
    return Snapshot(1, tables={table.name: table for table in tables})


def test_a_record_says_where_each_row_leads() -> None:
    records = RecordEncoder().encode(world(["ann"], [override("ann", ("web", "web-ann"), ("old", ""))]))
    assert records.branches == {
        "ann": Record(
            TAGS["ann"],
            "ann",
            {
                row_name("gateway", "web:80", "web"): "web-ann",
                row_name("gateway", "web:80", "old"): NOWHERE,
                row_name("out", "web:80", "web"): "web-ann",
                row_name("out", "web:80", "old"): NOWHERE,
            },
        )
    }


def test_a_change_of_one_branch_leaves_the_records_of_others() -> None:
    encoder = RecordEncoder()
    ann, bob = override("ann", ("web", "web-ann")), override("bob", ("web", "web-bob"))
    first = encoder.encode(world(["ann", "bob"], [ann, bob]))
    second = encoder.encode(world(["ann", "bob"], [ann, override("bob", ("web", "web-2"))]))
    assert second.branches["ann"] is first.branches["ann"]
    assert set(second.branches["bob"].lines.values()) == {"web-2"}
    third = encoder.encode(world(["ann", "bob", "cat"], [ann]))
    assert third.branches["ann"] is first.branches["ann"]
    assert third.branches["bob"].lines == third.branches["cat"].lines == {}
    assert set(encoder.encode(world(["ann"], [ann])).branches) == {"ann"}


def test_a_label_is_part_of_the_record() -> None:
    encoder = RecordEncoder()
    entry = Entry("cookie:user=ann", "ann", "ann; fallback=web")
    assert encoder.encode(world(["ann"], entries=[entry])).branches["ann"].label == "ann; fallback=web"
    assert encoder.encode(world(["ann"], entries=[])).branches["ann"].label == "ann"


def test_ways_are_named_after_what_they_ask_for() -> None:
    long_cookie = f"cookie:user={'x' * LONGEST_FILE}"
    entries = [Entry(key, "ann", "ann") for key in ("cookie:user=a/b", "host:ann.example", long_cookie)]
    records = RecordEncoder().encode(world(["ann"], entries=entries))
    assert records.ways == {"cookie:user=a%2fb": "ann", "host:ann.example": "ann"}


def test_two_branches_with_one_tag_are_not_recognised_by_it() -> None:
    records = RecordEncoder().encode(world(["ann", "bob", "cat"], ann="0" * 16, bob="0" * 16))
    assert records.tags == {TAGS["cat"]: "cat"}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("cookie:user=fox", "cookie:user=fox"),
        ("header:x-a=../../etc", "header:x-a=..%2f..%2fetc"),
        ("cookie:user=é\0\n", "cookie:user=%c3%a9%00%0a"),
        ("cookie:user=%2f", "cookie:user=%252f"),
        ("x" * (LONGEST_FILE + 1), None),
    ],
)
def test_a_file_name_is_safe(key: str, name: str | None) -> None:
    assert file_name(key) == name


NAMES = st.text(st.characters(exclude_characters="\n\t", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(NAMES, NAMES))
def test_a_record_is_read_as_it_was_written(lines: dict[str, str]) -> None:
    record = Record("b7a9c40000000000", "ann; fallback=web", lines)
    assert Record.parse(record.text()) == record


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"tag", b"tag\nlabel\nrow without a cluster\n"])
def test_a_file_that_is_no_record_has_no_lines(text: bytes) -> None:
    assert Record.parse(text).lines == {}
