"""Addresses of pods and Services in namespaces mode."""

import pytest

from mesh.pods.network import pools
from mesh.pods.network.pools import API_ADDRESS, REST_SECONDS, NamespaceAddresses, NoAddressFree


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pods_get_addresses_of_their_range_without_the_ends_of_a_block() -> None:
    pool = NamespaceAddresses()
    addresses = [pool.pod_ip() for _ in range(600)]
    assert addresses[0] == "10.244.1.1"
    assert len(set(addresses)) == 600
    assert not [address for address in addresses if address.endswith((".0", ".255"))]


def test_an_address_rests_before_it_is_given_out_again() -> None:
    clock = Clock()
    pool = NamespaceAddresses(clock)
    first, second = pool.pod_ip(), pool.pod_ip()
    pool.release(first)
    pool.release("10.244.200.1")  # nobody has it
    assert pool.pod_ip() not in (first, second)
    clock.now = REST_SECONDS
    assert pool.pod_ip() == first


def test_a_survivor_keeps_its_address() -> None:
    pool = NamespaceAddresses()
    pool.claim("10.244.1.1")
    assert pool.pod_ip() == "10.244.1.2"


def test_when_all_are_in_use_one_that_rests_is_taken_and_then_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LAST_POD", pools.FIRST_POD + 2)
    pool = NamespaceAddresses(Clock())
    first, _ = pool.pod_ip(), pool.pod_ip()
    with pytest.raises(NoAddressFree, match=r"10\.244\.0\.0/16 has no address left for a pod \(2 are in use\)"):
        pool.pod_ip()
    pool.release(first)
    assert pool.pod_ip() == first


def test_services_go_round_and_leave_out_what_is_taken() -> None:
    pool = NamespaceAddresses()
    first = pool.service_ip(())
    assert first == "10.96.1.1"
    assert pool.service_ip({"10.96.1.2"}) == "10.96.1.3"
    assert first in pool
    assert API_ADDRESS in pool
    assert "10.244.1.1" not in pool
    assert "None" not in pool
