"""Nothing listens beyond loopback unless the user says so."""

import pytest

from mesh.daemon.address import exposure, listen_address, reachable
from mesh.daemon.failure import Failure
from mesh.daemon.home import Settings


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.2", "127.255.255.254"])
def test_loopback_addresses_are_taken_as_they_are_and_warn_of_nothing(text: str) -> None:
    assert listen_address(text, expose=False) == text
    assert exposure(text) == ""


def test_localhost_is_one_of_them() -> None:
    assert listen_address("localhost", expose=False) == "127.0.0.1"


@pytest.mark.parametrize("text", ["0.0.0.0", "192.0.2.7", "10.0.0.1"])
def test_other_addresses_need_the_flag_and_then_come_with_a_warning(text: str) -> None:
    with pytest.raises(Failure, match="is not a loopback address") as caught:
        listen_address(text, expose=False)
    assert "--expose" in caught.value.remedy
    assert caught.value.code == 2
    assert listen_address(text, expose=True) == text
    assert f"listen at {text}: every machine" in exposure(text)


@pytest.mark.parametrize("text", ["", "home", "127.0.0.1:80", "127.1", "::1", "127.0.0.256", "LOCALHOST.example"])
@pytest.mark.parametrize("expose", [False, True])
def test_what_is_no_ipv4_address_is_rejected_with_or_without_the_flag(text: str, expose: bool) -> None:
    with pytest.raises(Failure, match="--address") as caught:
        listen_address(text, expose=expose)
    assert "127.0.0.2" in caught.value.remedy


def test_clients_here_find_what_listens_at_all_addresses() -> None:
    assert reachable("0.0.0.0") == "127.0.0.1"
    assert reachable("127.0.0.5") == "127.0.0.5"
    assert Settings(address="0.0.0.0").gateway_url == "http://127.0.0.1:8080"
