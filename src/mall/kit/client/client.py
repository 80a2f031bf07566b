"""Calls to other services, through the proxy that the settings name."""

import asyncio
import re
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from mall.kit.client.call import Call
from mall.kit.client.no_proxy import is_direct
from mall.kit.client.pool import Pool
from mall.kit.deadlines import Deadlines
from mall.kit.settings import SettingError, Settings

T = TypeVar("T")
# A target goes into the first line of the request as it is.
_is_target = re.compile(r"/[!-~]*").fullmatch


class Client:
    """HTTP/1.1 over kept connections; follows no redirects, decompresses nothing, stores no cookies."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deadlines = Deadlines(asyncio.get_running_loop())
        self._pools: dict[tuple[str, int], Pool] = {}
        self._proxy = _parsed("HTTP_PROXY", settings.proxy) if settings.proxy else None

    def upstream(self, service: str) -> "Upstream":
        """The service at the address in the settings. Raises SettingError when that is not an http URL."""
        url = self._settings.upstream(service)
        parsed = _parsed(f"{service.upper()}_URL", url)
        assert parsed.hostname is not None
        prefix = parsed.path.rstrip("/")
        server = parsed
        if self._proxy is not None and not is_direct(parsed.hostname, self._settings.no_proxy):
            prefix = f"http://{parsed.netloc}{prefix}"
            server = self._proxy
        lines = f"host: {parsed.netloc}\r\nuser-agent: mall-{self._settings.service}/{self._settings.version}\r\n"
        return Upstream(service, self._pool(server), prefix.encode(), f"{lines}accept: */*\r\n".encode())

    async def close(self) -> None:
        """Closes all connections."""
        for pool in self._pools.values():
            pool.close()
        self._deadlines.close()

    def _pool(self, server: SplitResult) -> Pool:
        assert server.hostname is not None
        address = (server.hostname, server.port or 80)
        if address not in self._pools:
            self._pools[address] = Pool(*address, self._deadlines, self._settings.call_timeout)
        return self._pools[address]


class Upstream:
    """One service to call. Targets are paths with queries, percent-encoded; `context` is `Request.context`."""

    def __init__(self, service: str, pool: Pool, prefix: bytes, headers: bytes) -> None:
        self._service = service
        self._pool = pool
        self._prefix = prefix
        self._headers = headers

    def get(self, target: str, context: bytes, decoder: "msgspec.json.Decoder[T]") -> Call[T]:
        """GETs JSON."""
        return self._send(b"GET", target, context, b"\r\n", decoder)

    def post(self, target: str, context: bytes, body: bytes, decoder: "msgspec.json.Decoder[T]") -> Call[T]:
        """POSTs JSON."""
        rest = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        return self._send(b"POST", target, context, rest, decoder)

    def _send(self, method: bytes, target: str, context: bytes, rest: bytes, decoder: Any) -> Call[Any]:
        if not _is_target(target):
            raise ValueError(f"{target!r} is not a percent-encoded path")
        line = b"%b %b%b HTTP/1.1\r\n" % (method, self._prefix, target.encode())
        message = b"".join((line, self._headers, context, rest))
        call = Call(self._pool, self._service, message, decoder, repeatable=method == b"GET")
        self._pool.send(call)
        return call


def _parsed(name: str, url: str) -> SplitResult:
    try:
        parsed = urlsplit(url)
        valid = parsed.scheme == "http" and parsed.hostname and parsed.port != 0 and not parsed.query
    except ValueError:
        valid = False
    if not valid or not url.isascii() or parsed.username:
        raise SettingError(f"{name}: {url!r} is not a URL such as http://products:7000")
    return parsed
