"""Fetches the keys that RequestAuthentications name by a URL, so that Envoy never waits for an issuer.

As in Istio's control plane, a fetch that fails leaves the former keys in force; without any, no token of that issuer is
valid.
"""

import asyncio
import http.client
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mesh.resources.checks.request_authentication import wrong_keys

# Seconds: between two fetches of the same keys, until one that failed is tried again, and for one fetch.
REFRESH, RETRY, LIMIT = 300.0, 2.0, 5.0
LARGEST = 1 << 20

# Makes a TCP socket, not connected, in the network that has an address: pods may have one of their own. Raises OSError.
SocketTo = Callable[[str], Awaitable[socket.socket]]


async def host_socket(_address: str) -> socket.socket:
    """A socket of the host's network, where every address is the host's to reach."""
    return socket.socket()


@dataclass(frozen=True, slots=True)
class Source:
    """Where keys are fetched: `connect` is (address, port) of one of a Service's endpoints, None for any other host.

    `limit` is in seconds.
    """

    connect: tuple[str, int] | None = None
    limit: float = LIMIT


class KeySets:
    """JSON Web Key Sets by their URLs."""

    def __init__(self, socket_to: SocketTo = host_socket) -> None:
        self._socket_to = socket_to
        self._sources: dict[str, Source] = {}
        self._by_url: dict[str, str] = {}
        self._failures: dict[str, str] = {}

    @property
    def pause(self) -> float | None:
        """Seconds until keys should be fetched again; None when no keys are needed."""
        if not self._sources:
            return None
        return RETRY if self._failures else REFRESH

    @property
    def by_url(self) -> Mapping[str, str]:
        """The key sets (JSON), by URL."""
        return self._by_url

    @property
    def failures(self) -> Mapping[str, str]:
        """Why the last fetch failed, by URL."""
        return self._failures

    async def follow(self, sources: Mapping[str, Source]) -> None:
        """Sets which keys are needed from now on, by URL; new ones are fetched before it returns."""
        new = [url for url, source in sources.items() if url not in self._sources or self._may_succeed_now(url, source)]
        self._sources = dict(sources)
        self._by_url = {url: keys for url, keys in self._by_url.items() if url in sources}
        self._failures = {url: reason for url, reason in self._failures.items() if url in sources}
        await self._fetch(new)

    def _may_succeed_now(self, url: str, source: Source) -> bool:
        """Whether a URL that failed leads elsewhere now: the issuer's pod has started, or moved."""
        return url in self._failures and source != self._sources[url]

    async def refresh(self) -> bool:
        """Fetches again: what failed, or else everything. Returns whether anything is different now."""
        before = (dict(self._by_url), dict(self._failures))
        await self._fetch(list(self._failures or self._sources))
        return before != (self._by_url, self._failures)

    async def _fetch(self, urls: list[str]) -> None:
        fetches = (self._fetched(url, self._sources[url]) for url in urls)
        for url, (text, reason) in zip(urls, await asyncio.gather(*fetches), strict=True):
            if reason:
                self._failures[url] = reason
            else:
                self._failures.pop(url, None)
                self._by_url[url] = text

    async def _fetched(self, url: str, source: Source) -> tuple[str, str]:
        """The keys and "", or "" and why there are none."""
        sock = None
        if source.connect is not None:
            try:
                sock = await self._socket_to(source.connect[0])
            except OSError as error:
                return "", _reason(error)
        # The thread closes the socket.
        return await asyncio.to_thread(_fetched, urlsplit(url), source, sock)


def _fetched(url: SplitResult, source: Source, sock: socket.socket | None) -> tuple[str, str]:
    """The keys and "", or "" and why there are none. Blocks."""
    connection_type = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connection_type(url.hostname or "", url.port, timeout=source.limit)
        try:
            if sock is not None and source.connect is not None:
                # A connection that has its socket already does not look up its host, which only pods can.
                connection.sock = sock
                sock.settimeout(source.limit)
                sock.connect(source.connect)
                if url.scheme == "https":
                    connection.sock = ssl.create_default_context().wrap_socket(sock, server_hostname=url.hostname)
            target = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
            connection.request("GET", target, headers={"host": url.netloc.rpartition("@")[2]})
            answer = connection.getresponse()
            text = answer.read(LARGEST + 1).decode(errors="replace")
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return "", _reason(error)
    if answer.status != 200:
        return "", f"the answer was {answer.status}"
    if len(text) > LARGEST:
        return "", f"the answer is larger than {LARGEST} bytes"
    wrong = wrong_keys(text)
    return ("", f"the answer {wrong}") if wrong else (text, "")


def _reason(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
