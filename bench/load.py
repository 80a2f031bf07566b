"""A small load generator: keep-alive connections, each with one request at a time."""

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a run: requests per second, latencies in milliseconds, responses other than 200."""

    rate: float
    p50: float
    p99: float
    wrong: int
    count: int


class _Asker(asyncio.Protocol):
    def __init__(self, request: bytes, until: float) -> None:
        self.request = request
        self.until = until
        self.latencies: list[float] = []
        self.wrong = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self._begun = time.perf_counter()
        self.transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at < 0 or len(body) < int(lower[at + 15 :].split(b"\r\n", 1)[0]):
            return
        now = time.perf_counter()
        self.latencies.append((now - self._begun) * 1000)
        self.wrong += not head.startswith(b"HTTP/1.1 200")
        self._buffer = b""
        if now < self.until:
            self._ask()
        else:
            self.transport.close()
            if not self.done.done():
                self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.wrong += 1
            self.done.set_result(None)


async def load(host: str, port: int, path: str, cookie: str, connections: int, seconds: float, more: str = "") -> Load:
    """Requests `path` on a number of connections for a while; `more` are header lines."""
    request = f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\ncookie: {cookie}\r\n{more}\r\n".encode()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    askers = []
    for _ in range(connections):
        _, asker = await loop.create_connection(lambda: _Asker(request, begun + seconds), host, port)
        askers.append(asker)
    await asyncio.gather(*(asker.done for asker in askers))
    took = time.perf_counter() - begun
    latencies = sorted(latency for asker in askers for latency in asker.latencies) or [0.0]
    return Load(
        rate=len(latencies) / took,
        p50=latencies[len(latencies) // 2],
        p99=latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)],
        wrong=sum(asker.wrong for asker in askers),
        count=len(latencies),
    )


async def first_page(address: str, limit: float = 30.0) -> None:
    """Waits until the gateway has answered with one complete page."""
    deadline = time.perf_counter() + limit
    while time.perf_counter() < deadline:
        try:
            if (await load(address, 8080, "/api/mall", "user=x", 1, 0)).wrong == 0:
                return
        except OSError:
            await asyncio.sleep(0.002)
    raise TimeoutError(f"no complete page within {limit:.0f} s")
