"""Users in SQLite, in memory unless USERS_DB names a file in a folder that is there."""

import sqlite3
import uuid
from pathlib import Path

from mall.catalog.models import User
from mall.kit.settings import SettingError
from mall.users.people import INITIAL_USERS, person

SCHEMA = "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE)"


def place(path: str) -> str:
    """Where the database is. In memory where the folder is missing: processes without a file system of their own see no
    volumes, and the mall works there, too."""
    return path if path and Path(path).parent.is_dir() else ":memory:"


class SqlitePeople:
    """Statements run in the event loop: each is a look-up by key, which takes microseconds."""

    def __init__(self, path: str) -> None:
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute("PRAGMA busy_timeout=2000")
            self._database.execute(SCHEMA)
            for name in INITIAL_USERS:
                self._insert(name)
        except sqlite3.Error as error:
            raise SettingError(f"USERS_DB: {path!r} cannot be used: {error}") from None

    async def find(self, name: str) -> User | None:
        row = self._database.execute("SELECT id, name FROM users WHERE name = ?", (name,)).fetchone()
        return person(*row) if row else None

    async def register(self, name: str) -> User:
        self._insert(name)
        user = await self.find(name)
        assert user is not None
        return user

    async def answers(self) -> bool:
        try:
            self._database.execute("SELECT 1").fetchone()
        except sqlite3.Error:
            return False
        return True

    async def close(self) -> None:
        self._database.close()

    def _insert(self, name: str) -> None:
        self._database.execute(
            "INSERT INTO users (id, name) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            (uuid.uuid4().hex, name),
        )
