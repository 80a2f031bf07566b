"""Addresses: a block of one's own, and no address twice."""

import socket
from pathlib import Path

import pytest

from mesh.pods.host.addresses import REST_SECONDS, Block


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_two_homes_have_two_blocks_and_a_home_gets_its_own_again(tmp_path: Path) -> None:
    one, two = Block.claim(tmp_path / "one"), Block.claim(tmp_path / "two")
    assert one.number != two.number
    one.release_all()
    again = Block.claim(tmp_path / "one")
    assert again.number == one.number
    again.release_all()
    two.release_all()


def test_a_block_in_which_somebody_listens_is_left_alone(tmp_path: Path) -> None:
    first = Block.claim(tmp_path)
    first.release_all()
    with socket.create_server((f"127.{first.number}.9.9", 0)):
        other = Block.claim(tmp_path)
    assert other.number != first.number
    other.release_all()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def block(clock: Clock) -> Block:
    return Block(77, socket.socket(), clock, lambda size: 0)


def test_pods_and_services_have_addresses_of_the_block_apart(block: Block) -> None:
    pods = [block.pod_ip() for _ in range(300)]
    assert pods[0] == "127.77.0.1"
    assert pods[254] == "127.77.1.1"
    assert len(set(pods)) == 300
    assert all(address in block for address in pods)
    assert block.service_ip(set()) == "127.77.200.1"
    assert block.service_ip({"127.77.200.2"}) == "127.77.200.3"
    block.release_all()


def test_a_released_address_rests_before_it_is_given_again(block: Block, clock: Clock) -> None:
    first = block.pod_ip()
    block.release(first)
    block.release(first)
    assert block.pod_ip() != first
    clock.now = REST_SECONDS
    assert block.pod_ip() == first
    assert block.pod_ip() != first
    block.release_all()


def test_addresses_are_drawn_at_random(clock: Clock) -> None:
    drawn = iter([50_799, 50_799, 300])
    block = Block(77, socket.socket(), clock, lambda size: next(drawn))
    # One that is taken: the next free one.
    assert [block.pod_ip() for _ in range(3)] == ["127.77.199.254", "127.77.0.1", "127.77.1.47"]
    block.release_all()
    one, two = (Block(number, socket.socket(), clock) for number in (78, 79))
    assert [one.pod_ip()[7:] for _ in range(8)] != [two.pod_ip()[7:] for _ in range(8)]
    one.release_all()
    two.release_all()
