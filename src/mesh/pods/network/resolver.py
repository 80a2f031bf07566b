"""The pods' resolver: sockets inside pods, answers from the table, and outside names from the machine's name servers.

It lives in the agent's loop. The sockets for the outside are made before the agent enters the mesh's namespaces and
belong to the machine's network for good.
"""

import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mesh.pods.network.addresses import DNS_PORT
from mesh.pods.network.dns_message import (
    CNAME,
    SERVFAIL,
    Malformed,
    Query,
    Record,
    decode_answer,
    decode_query,
    encode_answer,
    encode_name,
    encode_query,
)
from mesh.pods.network.names import Name, answer, has_no_address

ADDRESS = "127.0.0.1"
RESOLV_CONF = Path("/etc/resolv.conf")
DNS = 53
TRY_SECONDS = 2.0
MOST_TRIES = 3
MOST_PENDING = 4096
TCP_LIMIT = 65535
MOST_CONNECTIONS = 64

Reply = Callable[[bytes], None]


class Loop(Protocol):
    """What the resolver needs of the agent."""

    def watch(self, source: Any, handler: Callable[[int], None]) -> None: ...

    def unwatch(self, source: Any) -> None: ...


class _Pending:
    """A query that upstream has not answered yet."""

    def __init__(self, query: Query, question: bytes, records: list[Record], limit: int, reply: Reply) -> None:
        self.query = query
        self.question = question
        self.records = records
        self.limit = limit
        self.reply = reply
        self.tries = 0
        self.deadline = 0.0
        self.server: tuple[str, int] | None = None


class _PodSockets(NamedTuple):
    datagrams: socket.socket
    listener: socket.socket
    connections: set[socket.socket]


def outside_sockets() -> dict[int, socket.socket]:
    """Sockets of the current network, by address family, from which name servers are asked."""
    sockets: dict[int, socket.socket] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            sockets[family] = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    return sockets


class HostNameServers:
    """The machine's name servers, read anew when the file has changed: a laptop moves between networks."""

    def __init__(self, path: Path = RESOLV_CONF) -> None:
        self._path = path
        self._version = (0, 0)
        self._servers: list[tuple[str, int]] = []

    def __call__(self) -> list[tuple[str, int]]:
        with suppress(OSError):
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_ino)
            if version != self._version:
                lines = [line.split() for line in self._path.read_text().splitlines()]
                self._servers = [
                    (line[1].partition("%")[0], DNS) for line in lines if len(line) > 1 and line[0] == "nameserver"
                ]
                self._version = version
        return self._servers


class Resolver:
    """Answers all pods."""

    def __init__(
        self, loop: Loop, outside: dict[int, socket.socket], name_servers: Callable[[], list[tuple[str, int]]]
    ) -> None:
        self._loop = loop
        self._outside = outside
        self._name_servers = name_servers
        self._pods: dict[str, _PodSockets] = {}
        self._pending: dict[int, _Pending] = {}
        self._turn = 0
        self.table: dict[str, Name] | None = None
        for sock in outside.values():
            loop.watch(sock, partial(self._from_outside, sock))

    def open(self, pod: str) -> None:
        """Makes the pod's sockets. Call it inside the pod's network namespace."""
        if pod in self._pods:
            return
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock in (datagrams, listener):
            sock.bind((ADDRESS, DNS_PORT))
        listener.listen(16)
        sockets = self._pods[pod] = _PodSockets(datagrams, listener, set())
        self._loop.watch(datagrams, lambda _: self._datagram(datagrams))
        self._loop.watch(listener, lambda _: self._accept(sockets))

    def close(self, pod: str) -> None:
        """Closes the pod's sockets: they would keep its network alive."""
        sockets = self._pods.pop(pod, None)
        if sockets is not None:
            for sock in (sockets.datagrams, sockets.listener, *sockets.connections):
                self._loop.unwatch(sock)
                sock.close()

    def timeout(self) -> float | None:
        """Seconds until `expire` has something to do; None when nothing is pending."""
        if not self._pending:
            return None
        return max(0.0, min(pending.deadline for pending in self._pending.values()) - time.monotonic())

    def expire(self) -> None:
        """Asks the next name server for what was not answered in time, and gives up after the last try."""
        now = time.monotonic()
        for id_, pending in [*self._pending.items()]:
            if pending.deadline <= now:
                del self._pending[id_]
                self._ask(pending)

    def _datagram(self, sock: socket.socket) -> None:
        with suppress(OSError):
            data, peer = sock.recvfrom(TCP_LIMIT)

            def reply(message: bytes) -> None:
                with suppress(OSError):
                    sock.sendto(message, peer)

            self.question(data, None, reply)

    def _accept(self, sockets: _PodSockets) -> None:
        with suppress(OSError):
            connection, _ = sockets.listener.accept()
            if len(sockets.connections) >= MOST_CONNECTIONS:
                connection.close()
                return
            connection.setblocking(False)
            sockets.connections.add(connection)
            received = bytearray()
            self._loop.watch(connection, lambda _: self._stream(sockets, connection, received))

    def _stream(self, sockets: _PodSockets, connection: socket.socket, received: bytearray) -> None:
        data = b""
        with suppress(OSError):
            data = connection.recv(TCP_LIMIT)
        if not data:
            sockets.connections.discard(connection)
            self._loop.unwatch(connection)
            connection.close()
            return
        received += data

        def reply(message: bytes) -> None:
            with suppress(OSError):
                connection.send(struct.pack("!H", len(message)) + message)

        while len(received) >= 2 and len(received) >= 2 + (length := int.from_bytes(received[:2], "big")):
            message = bytes(received[2 : 2 + length])
            del received[: 2 + length]
            self.question(message, TCP_LIMIT, reply)

    def question(self, data: bytes, limit: int | None, reply: Reply) -> None:
        """Answers a query, now or once a name server has. `limit` bytes; None: what the query allows over UDP."""
        try:
            query = decode_query(data)
        except Malformed:
            return
        limit = query.limit if limit is None else limit
        self._turn += 1
        verdict = answer(self.table, query, self._turn)
        if not verdict.outside:
            reply(encode_answer(query, verdict.code, verdict.records, limit=limit, authority=verdict.authority))
            return
        question = encode_name(verdict.outside) + query.question[-4:] if verdict.records else query.question
        self._ask(_Pending(query, question, verdict.records, limit, reply))

    def _ask(self, pending: _Pending) -> None:
        servers = self._name_servers()
        while pending.tries < MOST_TRIES and servers and len(self._pending) < MOST_PENDING:
            server = servers[pending.tries % len(servers)]
            pending.tries += 1
            sock = self._outside.get(socket.AF_INET6 if ":" in server[0] else socket.AF_INET)
            id_ = int.from_bytes(os.urandom(2), "big")
            if sock is None or id_ in self._pending:
                continue
            pending.server = server
            pending.deadline = time.monotonic() + TRY_SECONDS
            try:
                sock.sendto(encode_query(id_, pending.question), pending.server)
            except OSError:
                continue
            self._pending[id_] = pending
            return
        pending.reply(encode_answer(pending.query, SERVFAIL, [], limit=pending.limit, own=False))

    def _from_outside(self, sock: socket.socket, _events: int) -> None:
        with suppress(OSError, Malformed):
            data, peer = sock.recvfrom(TCP_LIMIT)
            reply = decode_answer(data)
            pending = self._pending.get(reply.id)
            # Id, server and question have to be the ones that were sent: anybody may send datagrams.
            if pending is None or peer[:2] != pending.server or reply.question.lower() != pending.question.lower():
                return
            del self._pending[reply.id]
            records = pending.records + reply.records
            if has_no_address(pending.query):
                # Pods have no IPv6. The result code stays: a name that does not exist must not seem to.
                records = [record for record in records if record.kind == CNAME]
            pending.reply(encode_answer(pending.query, reply.code, records, limit=pending.limit, own=False))
