"""One JSON line per request on standard output, written in batches so that requests never wait for it."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from mall.kit.context import identity

FLUSH_SECONDS = 0.1
LARGEST_BUFFER = 1 << 20
# A batch is encoded early when it has so many lines, so that what they refer to does not pile up.
LARGEST_BATCH = 2048
Headers = Sequence[tuple[bytes, bytes]]
Entry = tuple[float, str, str, int, float, Headers]


class Line(msgspec.Struct):
    """`ms` is the duration of the request in milliseconds, `time` is RFC 3339 in UTC."""

    time: str
    level: str
    service: str
    version: str
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    branch: str


class RequestLog:
    """Lines wait for at most `FLUSH_SECONDS`, those of requests as bare values: they are encoded all at once, which is
    cheaper than one after the other between requests. When the reader is too slow and the buffer is full, lines are
    dropped and counted, so that a log nobody reads never blocks a service."""

    def __init__(self, service: str, version: str, descriptor: int = 1) -> None:
        self._service = service
        self._version = version
        self._descriptor = descriptor
        self._batch: list[Entry] = []
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._second = (0, "")
        self._encode = msgspec.json.Encoder().encode_lines
        self._dropped = 0

    def request(self, method: str, path: str, status: int, seconds: float, headers: Headers) -> None:
        """Logs a request that has been answered."""
        self._batch.append((time.time(), method, path, status, seconds, headers))
        if self._timer is None:
            self._schedule()
        elif len(self._batch) >= LARGEST_BATCH:
            self._encode_batch()

    def event(self, level: str, message: str, **more: Any) -> None:
        """Logs anything that is not a request: start, stop, an unexpected error."""
        self._encode_batch()
        body = {"time": self._at(time.time()), "level": level, "service": self._service, "version": self._version}
        self._put([{**body, "message": message, **more}])
        self._schedule()

    def flush(self) -> None:
        """Writes the buffer, as far as the reader takes it without blocking."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._encode_batch()
        if self._dropped and len(self._buffer) <= LARGEST_BUFFER:  # Otherwise this line would be dropped, too.
            dropped, self._dropped = self._dropped, 0
            self.event("warning", "log lines dropped: the reader is too slow", dropped=dropped)
        while self._buffer:
            try:
                written = os.write(self._descriptor, self._buffer)
            except BlockingIOError:
                self._schedule()
                return
            except OSError:
                self._buffer.clear()
                return
            del self._buffer[:written]

    def _encode_batch(self) -> None:
        batch, self._batch = self._batch, []
        self._put([self._line(*entry) for entry in batch])

    def _line(self, moment: float, method: str, path: str, status: int, seconds: float, headers: Headers) -> Line:
        request_id, branch = identity(headers)
        level = "info" if status < 500 else "error"
        return Line(
            self._at(moment), level, self._service, self._version,
            method, path, status, round(seconds * 1000, 3), request_id, branch,
        )  # fmt: skip

    def _put(self, lines: Sequence[Any]) -> None:
        if len(self._buffer) > LARGEST_BUFFER:
            self._dropped += len(lines)
        else:
            self._buffer += self._encode(lines)

    def _schedule(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def _at(self, moment: float) -> str:
        second = int(moment)
        if self._second[0] != second:
            self._second = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
        return f"{self._second[1]}.{int((moment - second) * 1000):03d}Z"
