"""Envoy's admin interface, over its Unix socket."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

LIMIT = 5.0
LARGEST = 256 << 20


class AdminError(Exception):
    """Envoy's admin interface did not respond, or not with 200."""


class Admin:
    """Sends requests over `socket`, each on its own connection."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def get(self, path: str) -> bytes:
        """The body of a GET. Raises AdminError."""
        return await self._request("GET", path)

    async def json(self, path: str) -> Any:
        return json.loads(await self.get(path))

    async def post(self, path: str) -> bytes:
        return await self._request("POST", path)

    async def ready(self) -> bool:
        """Whether Envoy is live and has its first configuration."""
        try:
            return (await self.get("/ready")).strip() == b"LIVE"
        except AdminError:
            return False

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """By a descriptor of the folder: a Unix socket's path may have at most 108 bytes."""
        folder = os.open(self._socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{self._socket.name}")
        finally:
            os.close(folder)

    async def _request(self, method: str, path: str) -> bytes:
        try:
            async with asyncio.timeout(LIMIT):
                reader, writer = await self._connect()
                try:
                    head = f"{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                    writer.write(head.encode())
                    await writer.drain()
                    answer = await reader.read(LARGEST)
                    while more := await reader.read(1 << 20):
                        answer += more
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise AdminError(f"{self._socket}: {error}") from None
        headers, _, body = answer.partition(b"\r\n\r\n")
        status = headers.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise AdminError(f"{path}: {headers.splitlines()[:1]}")
        return _dechunked(body) if b"transfer-encoding: chunked" in headers.lower() else body


def _dechunked(body: bytes) -> bytes:
    """The body without the sizes of its chunks (RFC 9112, 7.1)."""
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        if length == 0:
            break
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)
