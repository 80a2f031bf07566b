"""The interface of a user store, and the rules that both stores share."""

import hashlib
from typing import Protocol

from mall.catalog.models import User
from mall.kit.problem import Problem

INITIAL_USERS = ("admin", "test", "jason", "fox")
LONGEST_NAME = 64
AVATARS = 8


class People(Protocol):
    """A user store. A name exists once, even when several requests register it at the same time."""

    async def find(self, name: str) -> User | None: ...

    async def register(self, name: str) -> User:
        """The user of this name, created if necessary."""
        ...

    async def answers(self) -> bool:
        """Does the database answer?"""
        ...

    async def close(self) -> None: ...


def person(id_: str, name: str) -> User:
    """A user with the avatar for the name."""
    number = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=2).digest()[0] % AVATARS
    return User(id=id_, name=name, image=f"/static/users/avatar-{number}.svg")


def valid_name(text: str | None, *, status: int) -> str:
    """The name after trimming. Raises Problem with this status when it is not 1-64 printable characters."""
    name = (text or "").strip()
    if not name:
        raise Problem(status, "name is missing or empty; it must have 1 to 64 characters", parameter="name")
    if len(name) > LONGEST_NAME:
        raise Problem(status, f"name has {len(name)} characters; at most {LONGEST_NAME} are allowed", parameter="name")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise Problem(status, "name has a control character", parameter="name")
    return name
