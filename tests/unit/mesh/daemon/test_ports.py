"""Ports that are taken are named before anything is started."""

import socket

import pytest

from mesh.daemon.failure import Failure
from mesh.daemon.home import Settings
from mesh.daemon.ports import bind_problem, require_free
from tests.support.services import unused_address


def test_a_free_port_is_no_problem_and_a_taken_one_is_named() -> None:
    free = int(unused_address().rpartition(":")[2])
    assert bind_problem("127.0.0.1", free) == ""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert bind_problem("127.0.0.1", port) == "another program is listening there"
        with pytest.raises(Failure) as caught:
            require_free(Settings(gateway_port=free, gateway_https_port=port))
    assert f"127.0.0.1:{port} (the gateway's HTTPS)" in caught.value.message
    assert "--gateway-https-port" in caught.value.remedy


def test_an_address_of_another_machine_is_a_problem() -> None:
    assert "assign" in bind_problem("192.0.2.1", 0)
