"""Whose a socket is, as the kernel says."""

import os
import socket

import pytest

from mesh.socket_owners import is_available, owner_of_connection, owner_of_listener


def test_a_listener_is_found_at_its_own_address_and_where_it_covers_all() -> None:
    if not is_available():
        pytest.skip("the kernel has no sock_diag")
    with socket.create_server(("127.0.0.1", 0)) as narrow, socket.create_server(("", 0)) as wide:
        for listener, host in ((narrow, "127.0.0.1"), (wide, "127.0.0.9")):
            owner = owner_of_listener((host, listener.getsockname()[1]))
            assert owner is not None
            assert owner == (os.geteuid(), os.fstat(listener.fileno()).st_ino)
        assert owner_of_listener(("127.0.0.9", narrow.getsockname()[1])) is None


def test_each_end_of_a_connection_has_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as one:
        other, _ = listener.accept()
        with other:
            for end in (one, other):
                owner = owner_of_connection(end.getsockname(), end.getpeername())
                assert owner is not None
                assert owner.inode == os.fstat(end.fileno()).st_ino
        gone = one.getpeername()
    assert owner_of_connection(("127.0.0.1", 1), gone) is None
