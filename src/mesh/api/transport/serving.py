"""Listening over HTTP/1.1 with bounds on heads, connections and time; with TLS, or without TLS on loopback."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mesh.api.transport.accepting import Acceptor, Arrival, UserOf, user_at_the_other_end
from mesh.api.transport.arrivals import ArrivalBounds, Arrivals
from mesh.api.transport.credentials import Credentials
from mesh.api.transport.http import AUTHENTICATED, CERTIFIED, Receive, Scope, Send
from mesh.api.transport.upgrade import Connection, Header, take_over, upgrading

STOP_LIMIT = 2
START_LIMIT = 10.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """`largest_head` is bytes of a request's line and headers.

    What `arrivals` leaves of `most_connections` is a reserve for clients that have authenticated.
    """

    largest_head: int
    most_connections: int
    arrivals: ArrivalBounds = field(default_factory=ArrivalBounds)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at a port, 0 for any free one. Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class Serving:
    """One application at one socket. With `credentials` it speaks TLS, and a client may show its certificate."""

    def __init__(
        self,
        app: Any,
        bounds: Bounds,
        credentials: Credentials | None,
        user_of: UserOf = user_at_the_other_end,
    ) -> None:
        self._server = _Server(_configured(app, bounds, credentials), Arrivals(bounds.arrivals), user_of)
        self._task: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="server")
        async with asyncio.timeout(START_LIMIT):
            while not self._server.started:
                if self._task.done():
                    await self._task
                await asyncio.sleep(0.001)

    async def stop(self) -> None:
        """Lets short requests finish. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            await self._server.stop_accepting()
            self._server.should_exit = True
            await task


def _configured(app: Any, bounds: Bounds, credentials: Credentials | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=_BoundedHead,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=credentials.certificate if credentials is not None else None,
        ssl_keyfile=credentials.key if credentials is not None else None,
        h11_max_incomplete_event_size=bounds.largest_head,
        limit_concurrency=bounds.most_connections,
        timeout_graceful_shutdown=STOP_LIMIT,
    )
    config.load()
    if config.ssl is not None and credentials is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        # A client may show a certificate of the mesh's own authority instead of the token; another one ends the
        # handshake.
        config.ssl.load_verify_locations(credentials.authority)
        config.ssl.verify_mode = ssl.CERT_OPTIONAL
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return config


class _Server(uvicorn.Server):
    """Accepts connections itself, and leaves the process's signals to the daemon."""

    def __init__(self, config: uvicorn.Config, arrivals: Arrivals, user_of: UserOf) -> None:
        super().__init__(config)
        self._arrivals = arrivals
        self._user_of = user_of
        self._acceptors: list[Acceptor] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn would let asyncio accept, which counts nothing and begins with TLS at once.
        self.servers = []
        for listener in sockets or []:
            acceptor = Acceptor(listener, self._protocol, self.config.ssl, self._arrivals, self._user_of)
            acceptor.start()
            self._acceptors.append(acceptor)
        self.started = True

    async def stop_accepting(self) -> None:
        for acceptor in self._acceptors:
            await acceptor.stop()

    def _protocol(self, arrival: Arrival) -> "_BoundedHead":
        protocol = _BoundedHead(self.config, self.server_state, self.lifespan.state)
        protocol.arrival = arrival
        return protocol


class _BoundedHead(H11Protocol):
    """Closes a connection whose request's head does not come in time."""

    arrival: Arrival
    _head_timer: asyncio.TimerHandle | None = None
    HEAD_LIMIT = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if transport.get_extra_info("peercert"):
            self.arrival.authenticated()
            self.app = _certified(self.app)
        self.app = _arriving(self.app, self.arrival)
        self.app = upgrading(self.app, self._upgrade)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        self.arrival.ended()
        super().connection_lost(exc)

    def _should_upgrade(self) -> bool:
        # Whether a path upgrades is the application's decision; it calls `_upgrade` when it does.
        return False

    def _upgrade(self, headers: Sequence[Header]) -> Connection:
        """Ends HTTP on this connection: whoever answers the request goes on with its bytes."""
        self._forget()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        # The request's cycle neither answers nor waits any more.
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        received, _ = self.conn.trailing_data
        return take_over(self.transport, received, headers, self.loop)

    def _await_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.HEAD_LIMIT, self.transport.close)

    def _forget(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _certified(app: Any) -> Any:
    """The application for a connection whose client has shown its certificate."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, CERTIFIED: True}, receive, send)

    return call


def _arriving(app: Any, arrival: Arrival) -> Any:
    """The application, with a way to say in each request's scope that its client has authenticated."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, AUTHENTICATED: arrival.authenticated}, receive, send)

    return call
