"""The agent's protocol: JSON messages over a Unix stream socket, with descriptors attached (SCM_RIGHTS).

A message is a header (its length and the number of its descriptors) and a JSON object. Requests carry `id` and `call`,
replies `id` and `value` or `error`, events `event`. The descriptors of a message are sent with its first byte, so
whoever has the whole message has them, too.
"""

import array
import json
import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

SOCKET = "agent.sock"
MOST_BYTES = 64 << 20
MOST_DESCRIPTORS = 16

_HEADER = struct.Struct("!IB")


class Received(NamedTuple):
    """A message and its descriptors, which the receiver now owns."""

    body: dict[str, Any]
    fds: list[int]


class Closed(Exception):
    """The other side has closed the connection, or does not speak this protocol."""


class Channel:
    """One side of a connection. Never blocks: what cannot be written yet waits in a queue."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._buffer = bytearray()
        self._fds: deque[int] = deque()
        self._outgoing: deque[tuple[memoryview, list[int]]] = deque()

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, body: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Queues a message and writes what the socket takes. Descriptors are duplicated: callers keep theirs."""
        text = json.dumps(body, separators=(",", ":")).encode()
        copies = [os.dup(fd) for fd in fds]
        self._outgoing.append((memoryview(_HEADER.pack(len(text), len(copies)) + text), copies))
        self.flush()

    @property
    def pending(self) -> bool:
        """Whether messages wait for the socket to become writable."""
        return bool(self._outgoing)

    def flush(self) -> None:
        """Writes what the socket takes. Raises Closed."""
        while self._outgoing:
            data, fds = self._outgoing[0]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            try:
                sent = self.socket.sendmsg([data], rights)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise Closed(str(error)) from None
            for fd in fds:
                os.close(fd)
            if sent == len(data):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = (data[sent:], [])

    def receive(self) -> list[Received]:
        """The messages that are complete now. Raises Closed at the end of the connection."""
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, 1 << 18, MOST_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            raise Closed(str(error)) from None
        for fd in fds:
            os.set_inheritable(fd, False)
        self._fds.extend(fds)
        if not data:
            raise Closed("end of the connection")
        self._buffer += data
        messages = []
        while len(self._buffer) >= _HEADER.size:
            length, count = _HEADER.unpack_from(self._buffer)
            if length > MOST_BYTES or count > MOST_DESCRIPTORS:
                raise Closed(f"message of {length} bytes and {count} descriptors")
            if len(self._buffer) < _HEADER.size + length:
                break
            body = json.loads(self._buffer[_HEADER.size : _HEADER.size + length])
            del self._buffer[: _HEADER.size + length]
            messages.append(Received(body, [self._fds.popleft() for _ in range(count)]))
        return messages

    def close(self) -> None:
        self.socket.close()
        for fd in [*self._fds, *(fd for _, fds in self._outgoing for fd in fds)]:
            with suppress(OSError):
                os.close(fd)
        self._fds.clear()
        self._outgoing.clear()
