"""Resolves the hosts of ServiceEntries, so that Envoy never waits for a name."""

import asyncio
import socket
from collections.abc import Collection, Mapping

# Seconds: between two looks at the same names, and for one look.
REFRESH, LIMIT = 30.0, 5.0


class Names:
    """Holds the IPv4 addresses of names. A name that is not found for a while keeps what it had."""

    def __init__(self) -> None:
        self._wanted: frozenset[str] = frozenset()
        self._held: dict[str, tuple[str, ...]] = {}

    @property
    def pause(self) -> float | None:
        """Seconds until the names should be looked at again; None when there are none."""
        return REFRESH if self._wanted else None

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        return self._held

    async def want(self, names: Collection[str]) -> None:
        """Says which names are asked for now; new ones are looked at before it returns."""
        self._wanted = frozenset(names)
        self._held = {name: found for name, found in self._held.items() if name in self._wanted}
        if missing := self._wanted - self._held.keys():
            await self._look(missing)

    async def refresh(self) -> bool:
        """Looks at all names again; tells whether one has other addresses."""
        before = dict(self._held)
        await self._look(self._wanted)
        return before != self._held

    async def _look(self, names: Collection[str]) -> None:
        found = await asyncio.gather(*(_resolved(name) for name in sorted(names)))
        for name, addresses in zip(sorted(names), found, strict=True):
            if addresses or name not in self._held:
                self._held[name] = addresses


async def _resolved(name: str) -> tuple[str, ...]:
    """The addresses in a stable order; none when the name is not found in time."""
    try:
        async with asyncio.timeout(LIMIT):
            found = await asyncio.get_running_loop().getaddrinfo(
                name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError):
        return ()
    return tuple(sorted({str(address[0]) for *_, address in found}))
