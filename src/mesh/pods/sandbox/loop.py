"""The agent's loop over selectors, and the connections of daemons in it."""

import os
import selectors
import socket
import struct
import traceback
from collections.abc import Callable
from typing import Any

from mesh.pods.sandbox.protocol import Channel, Closed, Received

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
Handler = Callable[[int], None]


class Loop:
    """Calls handlers when their sources are ready."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, source: Any, handler: Handler) -> None:
        """Calls the handler with READ, WRITE or both of them. At first only READ is watched for."""
        self._selector.register(source, READ, handler)

    def watch_writing(self, source: Any, writing: bool) -> None:
        """Watches for WRITE as well, or no longer."""
        self._selector.modify(source, READ | WRITE if writing else READ, self._selector.get_key(source).data)

    def unwatch(self, source: Any) -> None:
        self._selector.unregister(source)

    def turn(self, timeout: float | None) -> None:
        """Waits once, `timeout` seconds at most, and calls the handlers of what is ready."""
        for key, events in self._selector.select(timeout):
            current = self._selector.get_map().get(key.fd)
            if current is None or current.data is not key.data:
                continue  # a handler of this turn has closed it
            try:
                key.data(events)
            except Exception:  # a mistake in one call must not end the agent, on which all pods depend
                traceback.print_exc()


class Connections:
    """The daemons that are connected: one, as a rule."""

    def __init__(self, loop: Loop, handle: Callable[[Channel, Received], None]) -> None:
        self._loop = loop
        self._handle = handle
        self._writing: dict[Channel, bool] = {}  # whether a channel waits for its socket to become writable

    @property
    def pending(self) -> bool:
        """Whether something has still to be written."""
        return any(channel.pending for channel in self._writing)

    def listen(self, listener: socket.socket) -> None:
        """Takes connections of the mesh's user, and of root."""
        listener.setblocking(False)
        self._loop.watch(listener, lambda _: self._accept(listener))

    def reply(self, channel: Channel, body: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        """Sends a message; does nothing when the daemon has gone."""
        if channel not in self._writing:
            return
        try:
            channel.send(body, fds)
            self._update(channel)
        except Closed:
            self._close(channel)

    def tell_all(self, body: dict[str, Any]) -> None:
        for channel in list(self._writing):
            self.reply(channel, body)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (0, os.geteuid()):
            connection.close()
            return
        channel = Channel(connection)
        self._writing[channel] = False
        self._loop.watch(channel, lambda events: self._ready(channel, events))

    def _ready(self, channel: Channel, events: int) -> None:
        try:
            if events & WRITE:
                channel.flush()
                self._update(channel)
            if events & READ:
                for received in channel.receive():
                    self._handle(channel, received)
        except Closed:
            self._close(channel)

    def _update(self, channel: Channel) -> None:
        if self._writing[channel] != channel.pending:
            self._writing[channel] = channel.pending
            self._loop.watch_writing(channel, channel.pending)

    def _close(self, channel: Channel) -> None:
        if self._writing.pop(channel, None) is not None:
            self._loop.unwatch(channel)
            channel.close()
