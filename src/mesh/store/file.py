"""The store's file: SQLite with a write-ahead log.

A commit is one transaction. With `synchronous=NORMAL` the kernel has it when it returns: a kill -9 of the process loses
nothing. The disk has it once the write-ahead log is merged into the file, after some thousand pages or at the end, so
that a power failure may lose the last commits; what is left is always the state after one of them, never a part of one.
`FULL` would wait for the disk at every commit, several milliseconds, while a power failure ends all processes that the
mesh runs anyway.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from mesh.resources.values.ref import Ref
from mesh.store.errors import Damaged, Locked, StoreError

FORMAT = 1
SMALLEST = 512
TABLES = """
CREATE TABLE objects (
  "group" TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  version INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY ("group", kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE ceiling (version INTEGER NOT NULL);
INSERT INTO ceiling VALUES (0);
"""
INSERT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"
REMOVE = 'DELETE FROM objects WHERE "group" = ? AND kind = ? AND namespace = ? AND name = ?'
NOT_A_STORE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StoreFile:
    """One open file, locked by this process. All methods raise StoreError, which names the path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreError(f"cannot open the store {path}: {error.strerror}") from error
        if 0 < path.stat().st_size < SMALLEST:
            # SQLite treats a file this small as empty, and would overwrite it.
            raise self._damaged("it is truncated")
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0, cached_statements=16)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            raise self._explained(error, "open") from error
        except StoreError:
            self._database.close()
            raise

    def _prepare(self) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN IMMEDIATE")
        stored_format = run("PRAGMA user_version").fetchone()[0]
        if stored_format == 0 and not run("SELECT 1 FROM sqlite_master").fetchone():
            for statement in TABLES.split(";")[:-1]:
                run(statement)
            run(f"PRAGMA user_version = {FORMAT}")
        elif stored_format != FORMAT:
            raise Damaged(
                f"{self.path} is not a store of this mesh-mall (format {stored_format}, expected {FORMAT}); "
                "use the version that wrote it, or move the file away to start empty"
            )
        run("COMMIT")
        verdict = run("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise self._damaged(verdict)

    def load(self) -> Iterator[tuple[Ref, int, dict[str, Any]]]:
        """All objects with their versions."""
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        try:
            for group, kind, namespace, name, version, body in self._database.execute(
                'SELECT "group", kind, namespace, name, version, body FROM objects'
            ):
                yield Ref(group, kind, namespace, name), version, decode(body)
        except sqlite3.Error as error:
            raise self._explained(error, "read") from error
        except msgspec.DecodeError as error:
            raise self._damaged(f"an object is not JSON: {error}") from error

    def ceiling(self) -> int:
        """A version that no commit before this opening has exceeded."""
        try:
            row = self._database.execute("SELECT version FROM ceiling").fetchone()
        except sqlite3.Error as error:
            raise self._explained(error, "read") from error
        if row is None:
            raise self._damaged("its highest version is missing")
        return int(row[0])

    def write(
        self,
        puts: Iterable[tuple[Ref, int, dict[str, Any]]],
        deletes: Iterable[Ref],
        ceiling: int | None,
    ) -> None:
        """Writes one transaction, or nothing at all."""
        encode = msgspec.json.encode
        rows = [(*ref, version, encode(body)) for ref, version, body in puts]
        run = self._database.execute
        try:
            run("BEGIN IMMEDIATE")
            if ceiling is not None:
                run("UPDATE ceiling SET version = ?", (ceiling,))
            self._database.executemany(REMOVE, deletes)
            self._database.executemany(INSERT, rows)
            run("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._explained(error, "write") from error

    def close(self) -> None:
        """Merges the write-ahead log into the file and closes it."""
        self._database.close()

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            try:
                self._database.execute("ROLLBACK")
            except sqlite3.Error:
                # SQLite has rolled back by itself; all that matters is that no transaction stays open.
                return

    def _explained(self, error: sqlite3.Error, doing: str) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return Locked(f"the store {self.path} is open in another process; only one mesh may use a home")
        if code in NOT_A_STORE:
            return self._damaged(str(error))
        return StoreError(f"cannot {doing} the store {self.path}: {error}; is there room on its disk?")

    def _damaged(self, why: str) -> Damaged:
        return Damaged(f"the store {self.path} is damaged: {why}; move the file away to start empty")
