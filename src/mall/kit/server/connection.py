"""One client's connection: its requests are answered one after the other, in the order in which they came."""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, cast

from mall.kit.answer import Answer
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.server.reading import Reader
from mall.kit.server.writing import CLOSE, CONTINUE, KEEP_ALIVE
from mall.kit.stepping import Stepped

if TYPE_CHECKING:
    from mall.kit.server.server import Server


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may take up: seconds, except `connections`.

    `idle` without a request, `reading` from the first byte of a request to its last, `writing` until the client has
    read enough of an answer, `lingering` after an answer that left part of the request unread.
    """

    connections: int = 2048
    idle: float = 75
    reading: float = 20
    writing: float = 30
    lingering: float = 2


TOO_MANY = Problem(503, "too many connections", headers=((b"retry-after", b"1"),))


class Phase(Enum):
    """What the connection waits for, which decides what its deadline means."""

    IDLE = auto()
    READING = auto()
    RUNNING = auto()
    WRITING = auto()
    CLOSING = auto()


class Connection(asyncio.Protocol):
    """Reads, runs handlers, writes. A handler that does not wait is answered before `data_received` returns."""

    def __init__(self, server: "Server") -> None:
        self.deadline = inf
        self._server = server
        self._app = server.app
        self._reader = Reader(server.app.settings.max_body, server.app.refusal)
        self._phase: Phase | None = None  # None just after an answer.
        self._admitted = True
        self._running: Stepped[Answer] | None = None
        self._request: Request | None = None
        self._blocked = False  # The client does not read: the transport has asked for a pause.
        self._reading = True
        self._ended = False  # The client has sent all that it is going to send.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._admitted = self._server.admit(self)
        self._rest()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        if self._running is None:
            self._proceed()
        else:
            self._rest()

    def eof_received(self) -> bool:
        """Whether to keep the other direction open: answers may be outstanding."""
        self._ended = True
        return self._phase in (Phase.RUNNING, Phase.WRITING)

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        if self._phase is Phase.WRITING:
            self._proceed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reader.over = True
        self._reader.ready.clear()
        # A handler that still runs goes on, since it may be changing something. Its answer goes nowhere.
        if self._running is None:
            self._server.forget(self)

    def expire(self) -> None:
        """The deadline of the phase has passed."""
        if self._phase is Phase.IDLE:
            self._transport.close()
        elif self._phase is Phase.READING:
            seconds = self._server.bounds.reading
            self._reader.give_up(Problem(408, f"the request was not complete after {seconds:g} s"))
            self._proceed()
        elif self._phase is Phase.RUNNING:
            self.cancel()
        else:
            self._transport.abort()

    def drain(self) -> None:
        """The server stops: closes the connection unless a request is being read or answered."""
        if self._phase is Phase.IDLE:
            self._transport.close()

    def cancel(self) -> None:
        """Ends the handler that runs; the client gets 504."""
        if self._running is not None:
            self._running.cancel()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def _proceed(self) -> None:
        """Answers what has been read, until a handler or the client has to be waited for."""
        ready = self._reader.ready
        while ready and not self._blocked and self._phase is not Phase.CLOSING:
            item = ready.popleft()
            if isinstance(item, Problem):
                self._write(item.answer(), self._reader.head, refused=True, to_head=self._reader.refuses_head)
            elif not self._admitted:
                self._write(TOO_MANY.answer(), item, refused=True)
            else:
                running = Stepped(self._server.loop, self._app.answer(item), self._finished)
                if not running.start():
                    self._running, self._request = running, item
                    break
                self._write(self._outcome(running), item)
        self._rest()

    def _finished(self) -> None:
        """The handler has ended after a wait."""
        running, request = self._running, self._request
        assert running is not None
        assert request is not None
        self._running = self._request = None
        answer = self._outcome(running)
        if self._transport.is_closing():
            self._app.record(request, answer.status)
            self._server.forget(self)
        else:
            self._write(answer, request)
            self._proceed()

    def _outcome(self, running: Stepped[Answer]) -> Answer:
        # The application turns every other exception into an answer.
        return running.value if running.error is None else self._app.late().answer()

    def _write(self, answer: Answer, request: Request | None, *, refused: bool = False, to_head: bool = False) -> None:
        keep = not refused and request is not None and request.keep_alive and not self._app.draining
        announced = b"" if keep else CLOSE
        if keep and request is not None and request.announce_keep_alive:
            announced = KEEP_ALIVE
        body = not (to_head or (request is not None and request.method == "HEAD"))
        self._transport.write(self._server.writer.write(answer, announced, body=body))
        self._app.record(request, answer.status)
        self._phase = None
        if not keep:
            self._close()

    def _close(self) -> None:
        """Closes the connection after what was written."""
        self._reader.ready.clear()
        if self._reader.over and self._transport.can_write_eof():
            # To close with unread bytes resets the connection, and the client may lose the answer.
            self._transport.write_eof()
            self._read(True)
            self._server.deadlines.set(self, self._server.bounds.lingering)
        else:
            self._reader.over = True
            self._transport.close()
            self._server.deadlines.set(self, self._server.bounds.writing)
        self._phase = Phase.CLOSING

    def _rest(self) -> None:
        """Chooses what to wait for."""
        if self._phase is Phase.CLOSING:
            return
        bounds = self._server.bounds
        if self._running is not None:
            # One request ahead is enough; the client can wait with further ones.
            self._read(not self._reader.ready)
            self._enter(Phase.RUNNING, self._app.settings.request_timeout)
        elif self._blocked:
            self._read(False)
            self._enter(Phase.WRITING, bounds.writing)
        elif self._ended:
            self._close()
        elif self._reader.partial:
            self._read(True)
            if self._reader.awaits_continue:
                self._reader.awaits_continue = False
                self._transport.write(CONTINUE)
            self._enter(Phase.READING, bounds.reading)
        else:
            self._read(True)
            self._enter(Phase.IDLE, bounds.idle if self._admitted else bounds.lingering)

    def _enter(self, phase: Phase, seconds: float) -> None:
        # A phase has one deadline from its beginning: a client that sends a byte now and then does not move it.
        if phase is not self._phase:
            self._phase = phase
            self._server.deadlines.set(self, seconds)

    def _read(self, on: bool) -> None:
        if on is not self._reading:
            self._reading = on
            if on:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()
