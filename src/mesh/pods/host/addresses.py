"""The addresses of one mesh: a block 127.N.0.0/16 that belongs to one daemon at a time.

Linux answers on all of 127.0.0.0/8, so that every pod and Service can have its own address without any set-up. Two
meshes must not take the same block: it is owned through an abstract Unix socket, which lives in the same network
namespace as the loopback device and dies with its process, however it dies.
"""

import hashlib
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Self

FIRST_BLOCK = 16
LAST_BLOCK = 239
SERVICE_SUBNET = 200
LAST_SUBNET = 253
POD_ADDRESSES = SERVICE_SUBNET * 254
REST_SECONDS = 60.0

_LISTEN = "0A"


class NoBlockFree(OSError):
    """Every block is in use, by another mesh or by other servers."""


class NoAddressFree(OSError):
    """The block has no address left."""


class Block:
    """A claimed block. Pods get 127.N.0.1 .. 127.N.199.254, Services 127.N.200.1 .. 127.N.253.254."""

    def __init__(
        self,
        number: int,
        lock: socket.socket,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        """`draw` gives a number below its argument: another user who guesses the next pod's address can listen there
        first."""
        self.number = number
        self._lock = lock
        self._clock = clock
        self._draw = draw
        self._next_service = 0
        self._used: set[str] = set()
        self._resting: deque[tuple[float, str]] = deque()

    @classmethod
    def claim(cls, home: Path, *, clock: Callable[[], float] = time.monotonic) -> Self:
        """Takes the block that this home had last time, or else a free one, chosen by a hash of the home's path.

        Raises NoBlockFree when there is none.
        """
        record = home / "run" / "block"
        busy = _blocks_with_listeners()
        for number in _candidates(home, record):
            lock = None if number in busy else _own(number)
            if lock is not None:
                record.parent.mkdir(parents=True, exist_ok=True)
                record.write_text(f"{number}\n")
                return cls(number, lock, clock)
        raise NoBlockFree(
            f"no block of loopback addresses is free: 127.{FIRST_BLOCK}.0.0/16 to 127.{LAST_BLOCK}.0.0/16 are in use; "
            "stop a mesh that is not needed (meshmall down)"
        )

    @property
    def gateway_subnet(self) -> str:
        """The subnet of the Gateway API's Gateways: the first three numbers of an address."""
        return f"127.{self.number}.{LAST_SUBNET + 1}"

    @property
    def developer_subnet(self) -> str:
        """The last subnet, for listeners of programs that are not pods: the first three numbers of an address."""
        return f"127.{self.number}.{LAST_SUBNET + 2}"

    def __contains__(self, address: str) -> bool:
        return address.startswith(f"127.{self.number}.")

    def pod_ip(self) -> str:
        """An address that no pod has, drawn at random. A released one rests for a minute, while there are others: a
        client that still connects to it must not reach another pod.

        Raises NoAddressFree.
        """
        while self._resting and self._clock() - self._resting[0][0] >= REST_SECONDS:
            self._resting.popleft()
        resting = {address for _, address in self._resting}
        first = self._draw(POD_ADDRESSES)
        for step in range(POD_ADDRESSES):
            subnet, host = divmod((first + step) % POD_ADDRESSES, 254)
            address = f"127.{self.number}.{subnet}.{host + 1}"
            if address not in self._used and address not in resting:
                return self._take(address)
        if self._resting:
            return self._take(self._resting.popleft()[1])
        raise NoAddressFree(f"127.{self.number}.0.0/16 has no address left for a pod ({len(self._used)} are in use)")

    def release(self, address: str) -> None:
        """Returns a pod's address. Does nothing for one that is not in use."""
        if address in self._used:
            self._used.discard(address)
            self._resting.append((self._clock(), address))

    def service_ip(self, taken: Collection[str]) -> str:
        """A ClusterIP that is not in `taken`. Goes round, so that a freed one is not reused at once.

        Raises NoAddressFree.
        """
        size = (LAST_SUBNET - SERVICE_SUBNET + 1) * 254
        for _ in range(size):
            subnet, host = divmod(self._next_service % size, 254)
            self._next_service += 1
            address = f"127.{self.number}.{SERVICE_SUBNET + subnet}.{host + 1}"
            if address not in taken:
                return address
        raise NoAddressFree(f"127.{self.number}.0.0/16 has no address left for a Service")

    def release_all(self) -> None:
        """Releases the block."""
        self._lock.close()

    def _take(self, address: str) -> str:
        self._used.add(address)
        return address


def _candidates(home: Path, record: Path) -> list[int]:
    """All blocks' numbers, in the order in which this home tries them."""
    size = LAST_BLOCK - FIRST_BLOCK + 1
    first = int.from_bytes(hashlib.sha256(str(home.absolute()).encode()).digest()[:4]) % size
    order = [FIRST_BLOCK + (first + step) % size for step in range(size)]
    with suppress(OSError, ValueError):
        number = int(record.read_text())
        if number in order:
            order.remove(number)
            order.insert(0, number)
    return order


def _own(number: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(f"\0meshmall/block/{number}")
    except OSError:
        lock.close()
        return None
    return lock


def _blocks_with_listeners() -> set[int]:
    """Blocks in which something listens already (proc(5), /proc/net/tcp: addresses are little-endian hex)."""
    blocks: set[int] = set()
    with suppress(OSError):
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTEN and columns[1][6:8] == "7F":
                blocks.add(int(columns[1][4:6], 16))
    return blocks
