"""What a store of users can do, and the rules both stores share."""

import hashlib
from typing import Protocol

from mall.catalog.models import User
from mall.kit.problem import Problem

AT_THE_START = ("admin", "test", "jason", "fox")
LONGEST_NAME = 64
AVATARS = 8


class People(Protocol):
    """A store of users. A name is there once, however many register it at the same moment."""

    async def find(self, name: str) -> User | None: ...

    async def register(self, name: str) -> User:
        """The user of this name, made when there was none."""
        ...

    async def answers(self) -> bool:
        """Whether the database answers now."""
        ...

    async def close(self) -> None: ...


def person(id_: str, name: str) -> User:
    """A user with the picture that belongs to the name."""
    number = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=2).digest()[0] % AVATARS
    return User(id=id_, name=name, image=f"/static/users/avatar-{number}.svg")


def valid_name(text: str | None, *, status: int) -> str:
    """The name after trimming. Raises Problem with this status when it is not 1-64 printable characters."""
    name = (text or "").strip()
    if not name:
        raise Problem(status, "name is missing or empty; 1-64 characters would do", parameter="name")
    if len(name) > LONGEST_NAME:
        raise Problem(status, f"name has {len(name)} characters; {LONGEST_NAME} at the most", parameter="name")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise Problem(status, "name has a control character", parameter="name")
    return name
