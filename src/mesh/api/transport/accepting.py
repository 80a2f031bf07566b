"""Accepting connections: bounded from the first byte on, before TLS has begun."""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from mesh.api.transport.arrivals import UNKNOWN, Arrivals
from mesh.socket_owners import owner_of_connection

BACKLOG = 512
# Connections that are accepted in one turn of the loop: others have work to do, too.
MOST_AT_ONCE = 64
# Seconds: how long a TLS handshake may take, and the pause after the process ran out of descriptors or memory.
HANDSHAKE_LIMIT, PAUSE = 10.0, 0.5
OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

log = logging.getLogger(__name__)

UserOf = Callable[[socket.socket], int]


def user_at_the_other_end(connection: socket.socket) -> int:
    """The user who has the other end of a connection within this machine; UNKNOWN when the kernel does not say."""
    try:
        remote, local = connection.getpeername(), connection.getsockname()
    except OSError:
        return UNKNOWN
    owner = owner_of_connection((remote[0], remote[1]), (local[0], local[1]))
    return UNKNOWN if owner is None else owner.uid


class Arrival:
    """A connection, from its acceptance until its client has authenticated."""

    def __init__(self, connection: socket.socket, arrivals: Arrivals) -> None:
        self._connection = connection
        self._arrivals = arrivals

    def authenticated(self) -> None:
        """Its client may stay. Idempotent."""
        self._arrivals.leave(self)

    ended = authenticated

    def close(self) -> None:
        # Whoever reads from it, TLS or HTTP, sees its end and cleans up.
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class Acceptor:
    """Accepts at one listening socket, and gives each connection a protocol of `protocol_for`, behind TLS if given."""

    def __init__(
        self,
        listener: socket.socket,
        protocol_for: Callable[[Arrival], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        arrivals: Arrivals,
        user_of: UserOf = user_at_the_other_end,
    ) -> None:
        self._listener = listener
        self._protocol_for = protocol_for
        self._tls = tls
        self._arrivals = arrivals
        self._user_of = user_of
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins to accept."""
        self._listener.setblocking(False)
        self._listener.listen(BACKLOG)
        self._resume()

    async def stop(self) -> None:
        """Accepts no more, and ends the connections that have not come past TLS. Idempotent."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
        # A task that is cancelled before its first step would leave its socket open.
        await asyncio.sleep(0)
        handshakes = tuple(self._handshakes)
        for task in handshakes:
            task.cancel()
        await asyncio.gather(*handshakes, return_exceptions=True)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in OUT_OF_RESOURCES:
                    raise
                log.error("no connection can be accepted now: %s", error.strerror)
                self._loop.remove_reader(self._listener.fileno())
                self._pause = self._loop.call_later(PAUSE, self._resume)
                return
            connection.setblocking(False)
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            arrival = Arrival(connection, self._arrivals)
            self._arrivals.enter(arrival, self._user_of(connection))
            task = self._loop.create_task(self._begin(connection, arrival))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _begin(self, connection: socket.socket, arrival: Arrival) -> None:
        limit = HANDSHAKE_LIMIT if self._tls is not None else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._protocol_for(arrival), connection, ssl=self._tls, ssl_handshake_timeout=limit
            )
        except (OSError, asyncio.CancelledError):
            # The client has gone, speaks no TLS, was too slow, or had to give way. The transport closes the socket,
            # at once when nothing can be written to it any more.
            arrival.ended()
            arrival.close()
