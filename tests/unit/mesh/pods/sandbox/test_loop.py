"""The agent's loop, and the connections in it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.pods.sandbox.loop import Connections, Loop
from mesh.pods.sandbox.protocol import Channel, Received


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def test_a_handler_that_fails_ends_nothing(
    pair: tuple[socket.socket, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    loop, events = Loop(), []

    def handler(_events: int) -> None:
        events.append(pair[0].recv(10))
        raise ValueError("a mistake")

    loop.watch(pair[0], handler)
    pair[1].send(b"once")
    loop.turn(1)
    pair[1].send(b"twice")
    loop.turn(1)
    assert events == [b"once", b"twice"]
    assert capsys.readouterr().err.count("ValueError: a mistake") == 2


def test_what_an_earlier_handler_has_closed_is_not_called(pair: tuple[socket.socket, socket.socket]) -> None:
    loop, called = Loop(), []
    for one, other in (pair, pair[::-1]):
        one.send(b"x")

        def handler(_events: int, one: socket.socket = one, other: socket.socket = other) -> None:
            called.append(one)
            loop.unwatch(other)

        loop.watch(one, handler)
    loop.turn(1)
    assert len(called) == 1


def test_replies_wait_until_the_daemon_reads_and_stop_when_it_has_gone(tmp_path: Path) -> None:
    loop = Loop()

    def handle(channel: Channel, received: Received) -> None:
        for number in range(10):
            connections.reply(channel, {"id": received.body["id"], "value": str(number) * 100_000})

    connections = Connections(loop, handle)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        connections.listen(listener)
        client.connect(str(tmp_path / "socket"))
        channel = Channel(client)
        channel.send({"id": 1})
        loop.turn(1)
        loop.turn(1)
        assert [connections.pending] == [True]
        replies: list[Received] = []
        while len(replies) < 10:
            replies += channel.receive()
            loop.turn(0.01)
        assert [reply.body["value"][0] for reply in replies] == list("0123456789")
        assert not connections.pending
        connections.tell_all({"event": "exit"})
        assert [message.body for message in channel.receive()] == [{"event": "exit"}]
        channel.close()
        loop.turn(1)
        connections.tell_all({"event": "exit"})
        assert not connections.pending
