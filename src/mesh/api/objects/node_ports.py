"""NodePorts: choosing free ones, and checking whether the machine can provide a port."""

import errno
import os
import socket
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

# Seconds for which a released port may still be open in Envoy.
RELEASE_LIMIT = 15.0


class NodePorts:
    """Chooses and checks ports at one address.

    A port that one of our Services has just released counts as free: Envoy may still be closing it.
    """

    def __init__(self, address: str, ports: range, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self._ports = ports
        self._clock = clock
        self._released: dict[int, float] = {}

    def release(self, body: dict[str, Any]) -> None:
        """Remembers the ports of a Service that is deleted or changed."""
        now = self._clock()
        self._released = {port: when for port, when in self._released.items() if now - when < RELEASE_LIMIT}
        self._released.update(dict.fromkeys(of_service(body), now))

    def choose(self, name: str, taken: Collection[int]) -> int:
        """A free port; the same one for the same name if possible. Raises OSError when there is none."""
        begin = zlib.crc32(name.encode()) % len(self._ports)
        for step in range(len(self._ports)):
            port = self._ports[(begin + step) % len(self._ports)]
            if port not in taken and self.unavailable(port) is None:
                return port
        raise OSError(f"no port of {self._ports.start}-{self._ports.stop - 1} is free at {self._address}")

    def unavailable(self, port: int) -> str | None:
        """Why this machine cannot provide the port, None when it can."""
        if self._clock() - self._released.get(port, -RELEASE_LIMIT) < RELEASE_LIMIT:
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
    """The NodePorts of a Service, with that of its health check."""
    spec = body.get("spec", {})
    for port in spec.get("ports", ()):
        if port.get("nodePort"):
            yield port["nodePort"]
    if spec.get("healthCheckNodePort"):
        yield spec["healthCheckNodePort"]
