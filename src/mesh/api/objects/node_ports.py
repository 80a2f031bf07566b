"""NodePorts: which are given out, and whether the machine has them free."""

import errno
import os
import socket
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

STILL_OURS = 15.0


class NodePorts:
    """Chooses and checks ports at one address.

    A port that one of our Services has just given up is taken as free: Envoy may still be closing it.
    """

    def __init__(self, address: str, ports: range, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self._ports = ports
        self._clock = clock
        self._given_up: dict[int, float] = {}

    def give_up(self, body: dict[str, Any]) -> None:
        """Remembers the ports of a Service that goes."""
        now = self._clock()
        self._given_up = {port: when for port, when in self._given_up.items() if now - when < STILL_OURS}
        self._given_up.update(dict.fromkeys(of_service(body), now))

    def choose(self, name: str, taken: Collection[int]) -> int:
        """A free port, the same for the same name where that can be. Raises OSError when there is none."""
        begin = zlib.crc32(name.encode()) % len(self._ports)
        for step in range(len(self._ports)):
            port = self._ports[(begin + step) % len(self._ports)]
            if port not in taken and self.held(port) is None:
                return port
        raise OSError(f"no port of {self._ports.start}-{self._ports.stop - 1} is free at {self._address}")

    def held(self, port: int) -> str | None:
        """Why this machine cannot give the port, None when it can."""
        if self._clock() - self._given_up.get(port, -STILL_OURS) < STILL_OURS:
            return None
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return f"{self._address}:{port} is in use by another process of this machine"
                return f"{self._address}:{port} cannot be used: {os.strerror(error.errno or 0)}"
        return None


def of_service(body: dict[str, Any]) -> Iterator[int]:
    """The NodePorts of a Service."""
    for port in body.get("spec", {}).get("ports", ()):
        if port.get("nodePort"):
            yield port["nodePort"]
