"""Chooses the six products that a user is recommended."""

import hashlib

from mall.catalog.goods import RECOMMENDABLE

SHOWN = 6


def choose(user: str) -> list[int]:
    """Six of the recommendable ids: always the same for the same user, on every machine."""

    def weight(number: int) -> bytes:
        return hashlib.blake2b(f"{user}\n{number}".encode(errors="surrogateescape"), digest_size=8).digest()

    return sorted(sorted(RECOMMENDABLE, key=weight)[:SHOWN])
