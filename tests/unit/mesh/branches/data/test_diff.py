"""What differs between two dumps, and which engine a volume's files are of."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from mesh.branches.data.diff import Difference, differences, file_table, recognise, table_of


async def lines(text: str) -> AsyncIterator[bytes]:
    for line in text.splitlines():
        yield line.encode()


BASELINE = """
== shop
CREATE TABLE public.orders (number integer);
INSERT INTO public.orders VALUES (1);
INSERT INTO public.orders VALUES (2);
-- Dumped at 10:00
"""
BRANCH = """
== shop
CREATE TABLE public.orders (number integer, note text);
INSERT INTO public.orders VALUES (1);
INSERT INTO public.orders VALUES (3);
INSERT INTO public.orders VALUES (3);
-- Dumped at 10:01
"""


async def test_rows_are_counted_by_table_and_the_schema_by_itself() -> None:
    before, after = await table_of(lines(BASELINE)), await table_of(lines(BRANCH))
    assert differences(before, before) == []
    assert differences(before, after) == [Difference("shop.public.orders", 2, 1), Difference("shop.schema", 1, 1)]


async def test_keys_are_compared_one_by_one() -> None:
    before = await table_of(lines("KEY a 1f\nKEY b 2f"))
    after = await table_of(lines("KEY a 1f\nKEY b 3f\nKEY c 4f"))
    assert differences(before, after) == [Difference("key b", 1, 1), Difference("key c", 1, 0)]


def test_files_say_which_engine_it_is(tmp_path: Path) -> None:
    assert recognise(tmp_path, "/data") is None
    (tmp_path / "inner").mkdir()
    connection = sqlite3.connect(tmp_path / "inner" / "users.db")
    connection.execute("create table users (name text)")
    connection.close()
    engine = recognise(tmp_path, "/data")
    assert engine is not None
    assert (engine.name, engine.folder, engine.file) == ("SQLite", "/data/inner", "users.db")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "PG_VERSION").write_text("15\n")
    engine = recognise(tmp_path, "/data")
    assert engine is not None
    assert (engine.name, engine.folder) == ("PostgreSQL", "/data/db")


def test_files_differ_by_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("abc")
    before = file_table(tmp_path)
    (tmp_path / "one").write_text("abcd")
    (tmp_path / "two").write_text("")
    assert differences(before, file_table(tmp_path)) == [Difference("one", 1, 1), Difference("two", 1, 0)]
