"""Resolves the hosts of ServiceEntries, so that Envoy never waits for a name."""

import asyncio
import socket
from collections.abc import Collection, Mapping

# Seconds: between two look-ups of the same names, and for one look-up.
REFRESH, LIMIT = 30.0, 5.0


class HostNames:
    """The IPv4 addresses of names. A name that cannot be resolved for a while keeps the addresses it had."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._addresses: dict[str, tuple[str, ...]] = {}

    @property
    def pause(self) -> float | None:
        """Seconds until the names should be resolved again; None when there are none."""
        return REFRESH if self._names else None

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """By name, in a stable order; none for a name that could not be resolved so far."""
        return self._addresses

    async def follow(self, names: Collection[str]) -> None:
        """Sets which names are needed from now on; new ones are resolved before it returns."""
        self._names = frozenset(names)
        self._addresses = {name: addresses for name, addresses in self._addresses.items() if name in self._names}
        if missing := self._names - self._addresses.keys():
            await self._resolve(missing)

    async def refresh(self) -> bool:
        """Resolves all names again; returns whether one has other addresses now."""
        before = dict(self._addresses)
        await self._resolve(self._names)
        return before != self._addresses

    async def _resolve(self, names: Collection[str]) -> None:
        results = await asyncio.gather(*(_resolved(name) for name in sorted(names)))
        for name, addresses in zip(sorted(names), results, strict=True):
            if addresses or name not in self._addresses:
                self._addresses[name] = addresses


async def _resolved(name: str) -> tuple[str, ...]:
    """The addresses, sorted: a resolver rotates them, which is no change. None when it does not answer in time."""
    try:
        async with asyncio.timeout(LIMIT):
            infos = await asyncio.get_running_loop().getaddrinfo(
                name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError):
        return ()
    return tuple(sorted({str(address[0]) for *_, address in infos}))
