"""Messages and descriptors over the agent's socket."""

import os
import socket
from collections.abc import Iterator

import pytest

from mesh.pods.sandbox.protocol import Channel, Closed, Received
from mesh.pods.sandbox.spec import Mount, ProcessSpec, spec_from_json, spec_to_json


@pytest.fixture
def channels() -> Iterator[tuple[Channel, Channel]]:
    left, right = (Channel(sock) for sock in socket.socketpair())
    yield left, right
    left.close()
    right.close()


def test_messages_arrive_whole_and_in_order_with_their_own_descriptors(channels: tuple[Channel, Channel]) -> None:
    left, right = channels
    pipes = [os.pipe() for _ in range(2)]
    large = {"id": 3, "text": "x" * 3_000_000}

    left.send({"id": 1}, [pipes[0][1]])
    left.send({"id": 2}, [pipes[1][1]])
    left.send(large)

    received: list[Received] = []
    while len(received) < 3:
        received += right.receive()
        left.flush()
    assert [message.body for message in received] == [{"id": 1}, {"id": 2}, large]
    assert not left.pending
    for number, message in enumerate(received[:2]):
        os.write(message.fds[0], b"%d" % number)
        assert os.read(pipes[number][0], 10) == b"%d" % number
        assert not os.get_inheritable(message.fds[0])
    assert received[2].fds == []
    for fd in [*(fd for pair in pipes for fd in pair), *(fd for message in received for fd in message.fds)]:
        os.close(fd)


def test_the_end_of_the_connection_is_noticed_on_both_ways(channels: tuple[Channel, Channel]) -> None:
    left, right = channels
    left.socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Closed):
        right.receive()
    with pytest.raises(Closed):
        left.send({})


def test_something_that_is_no_message_closes_the_connection(channels: tuple[Channel, Channel]) -> None:
    left, right = channels
    left.socket.send(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(Closed, match="message of 1195725856 bytes"):
        right.receive()


def test_a_spec_survives_its_journey() -> None:
    spec = ProcessSpec(
        ("sh", "-c", "true"), {"A": "\udcff"}, mounts=(Mount("/data", "/x", size=3),), groups=(1, 2), uid=0
    )
    assert spec_from_json(spec_to_json(spec)) == spec
