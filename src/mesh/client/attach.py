"""Attaches to a container's own process over the API: `kubectl attach`, for one thread.

Kubernetes' remote command protocol v4.channel.k8s.io over a WebSocket; each message begins with its channel's number.
"""

import json
import select
import socket
import ssl
import time
from collections import deque
from typing import Self

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, RejectConnection, RejectData, Request

from mesh.client.errors import ApiError

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, _, RESIZE = range(5)
CHUNK = 64 << 10
PORT_BYTES = 2


class Attachment:
    """A container's terminal. `pieces` gives what it has written since, `send` types."""

    def __init__(self, sock: socket.socket, host: str, target: str, token: str) -> None:
        self._socket = sock
        self._frames = WSConnection(ConnectionType.CLIENT)
        self._output: deque[bytes] = deque()
        self._refusal = bytearray()
        self._accepted = False
        self.ended = False
        headers = [(b"authorization", f"Bearer {token}".encode())]
        self._socket.setblocking(False)
        self._write(self._frames.send(Request(host, target, subprotocols=[PROTOCOL], extra_headers=headers)))

    @classmethod
    def open(cls, host: str, port: int, tls: ssl.SSLContext, target: str, token: str, limit: float) -> Self:
        """Connects and waits until the API has accepted. Raises ApiError."""
        try:
            plain = socket.create_connection((host, port), limit)
            attachment = cls(tls.wrap_socket(plain, server_hostname=host), f"{host}:{port}", target, token)
        except OSError as error:
            raise ApiError(0, f"the mesh does not answer at {host}:{port}: {error}") from None
        while not attachment._accepted and not attachment.ended:
            attachment.wait(limit)
        if not attachment._accepted:
            attachment.close()
            raise ApiError(500, f"cannot attach: {attachment._refusal.decode(errors='replace')[:500]}")
        return attachment

    def refused_port(self, limit: float) -> bool:
        """Of a port-forward of one port: whether nothing listens there. Waits `limit` seconds for a refusal.

        Its second channel, where an attached container's output is, has the port in two bytes, and then what is wrong.
        """
        refusal = b""
        deadline = time.monotonic() + limit
        while len(refusal) <= PORT_BYTES and not self.ended and (left := deadline - time.monotonic()) > 0:
            self.wait(left)
            refusal += self.pieces()
        return len(refusal) > PORT_BYTES

    def wait(self, limit: float, *others: int) -> set[int]:
        """Waits for output, at most `limit` seconds, or until one of `others` is readable; returns which are."""
        buffered = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        own = self._socket.fileno()
        readable, _, _ = select.select([own, *others], [], [], 0 if buffered else limit)
        if buffered or own in readable:
            self._read()
        return {fd for fd in others if fd in readable}

    def pieces(self) -> bytes:
        """What the container has written since the last call."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def send(self, data: bytes) -> None:
        """Types."""
        self._message(STDIN, data)

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size of the container's terminal."""
        self._message(RESIZE, json.dumps({"Width": columns, "Height": rows}).encode())

    def close(self) -> None:
        """Leaves; the container goes on."""
        self.ended = True
        self._socket.close()

    def _message(self, channel: int, data: bytes) -> None:
        if not self.ended:
            self._write(self._frames.send(BytesMessage(bytes([channel]) + data)))

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                select.select([], [self._socket], [], 1.0)
            except OSError:
                self.ended = True
                return

    def _read(self) -> None:
        try:
            data = self._socket.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return
        except OSError:
            data = b""
        self._frames.receive_data(data or None)
        for event in self._frames.events():
            if isinstance(event, AcceptConnection):
                self._accepted = True
            elif isinstance(event, BytesMessage):
                message = bytes(event.data)
                if message[:1] in (bytes([STDOUT]), bytes([STDERR])) and len(message) > 1:
                    self._output.append(message[1:])
            elif isinstance(event, Ping):
                self._write(self._frames.send(event.response()))
            elif isinstance(event, RejectData):
                self._refusal += event.data
                self.ended |= event.body_finished
            elif isinstance(event, CloseConnection) or (isinstance(event, RejectConnection) and not event.has_body):
                self.ended = True
        self.ended |= not data
