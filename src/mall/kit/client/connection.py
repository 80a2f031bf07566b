"""A connection to a service or proxy: one call at a time, and kept between calls."""

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any, cast

import httptools

from mall.kit.client.call import Call

if TYPE_CHECKING:
    from mall.kit.client.pool import Pool

LARGEST_ANSWER = 1 << 20
NOT_HTTP = "sent an answer that is not valid HTTP"
# What a proxy (Envoy) says with a 503 when the connection to the service broke before it answered: a pod has died.
BROKEN_BEHIND = b"upstream connect error or disconnect/reset before headers"


class Connection(asyncio.Protocol):
    """Whatever is odd about an answer ends the connection: nothing of it can then be taken for the next answer."""

    def __init__(self, pool: "Pool") -> None:
        self.deadline = inf
        self.kept = False  # Has served a call before.
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._call: Call[Any] | None = None
        self._begin()

    def _begin(self) -> None:
        self._started = self._complete = self._keep = self._framed = False
        self._status = self._size = 0
        self._body: list[bytes] = []

    def send(self, call: Call[Any]) -> None:
        """Sends a call; the connection must be idle."""
        self._call = call
        self._begin()
        self._transport.write(call.message)

    def withdraw(self, call: Call[Any]) -> None:
        """The answer to this call, if it is the current one, is not wanted: ends the connection."""
        if self._call is call:
            self._call = None
            self.close()

    def close(self) -> None:
        """Ends the connection at once."""
        self._pool.lost(self)  # Now, since `connection_lost` comes later and a call could take it until then.
        self._transport.abort()

    def expire(self) -> None:
        """The connection has been idle for too long."""
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._call is None:
            self.close()
            return
        self._started = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("sent a too large answer" if self._size > LARGEST_ANSWER else NOT_HTTP)
            return
        if self._complete:
            self._done()

    def eof_received(self) -> None:
        if self._call is None:
            self.close()
        elif self._status and not self._framed:
            # Without a length, the end of the connection is the end of the answer.
            self._keep = False
            self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        call, self._call = self._call, None
        if call is None:
            return
        if self.kept and not self._started and call.repeatable:
            # The service closed the connection while the call was on its way to it, and has not read it.
            call.repeatable = False
            self._pool.send(call, anew=True)
        else:
            self._pool.deadlines.discard(call)
            call.failed("cannot be reached" if not self._started else "closed the connection within its answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._keep = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._size += len(body)
        if self._size > LARGEST_ANSWER:
            raise ValueError("too large")

    def on_message_complete(self) -> None:
        if self._complete:
            raise ValueError("a second answer")
        if self._status >= 200:
            self._complete = True
        else:
            self._status, self._framed = 0, False  # 100 Continue and the like: the answer is still to come.

    def _done(self) -> None:
        call, self._call = self._call, None
        assert call is not None
        status, body = self._status, self._body[0] if len(self._body) == 1 else b"".join(self._body)
        again = status == 503 and call.repeatable and body.startswith(BROKEN_BEHIND)
        if not again:
            self._pool.deadlines.discard(call)
        self.kept = True
        # Back into the pool first: the waiter's next call may use this connection.
        if self._keep:
            self._pool.release(self)
        else:
            self.close()
        if again:
            # Once, as where the service closes a connection itself: the proxy knows by now that the pod is gone.
            call.repeatable = False
            self._pool.send(call, anew=True)
        else:
            call.answered(status, body)

    def _fail(self, reason: str) -> None:
        call, self._call = self._call, None
        self.close()
        if call is not None:
            self._pool.deadlines.discard(call)
            call.failed(reason)
