"""Whose a TCP socket on this machine is, asked of the kernel (sock_diag(7)).

One question costs some ten microseconds, whatever the number of sockets: /proc/net/tcp, which has the same, is read
from the beginning every time.
"""

import os
import socket
import struct
from typing import NamedTuple

Address = tuple[str, int]

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
NLMSG_ERROR = 2
ANY_STATE = 0xFFFFFFFF
# Asks for the socket by its addresses alone (INET_DIAG_NOCOOKIE).
NO_COOKIE = 0xFFFFFFFF
HEADER = struct.Struct("=IHHII")
# struct inet_diag_req_v2 up to its socket: family, protocol, extensions, padding, states.
REQUEST = struct.Struct("=BBBBI")
# struct inet_diag_msg: 4 bytes, the socket's 48, then expires, rqueue, wqueue; uid and inode follow.
OWNER = struct.Struct("=II")
OWNER_AT = HEADER.size + 4 + 48 + 12
NOWHERE = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - an address to ask about, not to listen at


class Owner(NamedTuple):
    """A socket's user, and its inode, by which `/proc/PID/fd` names it."""

    uid: int
    inode: int


def owner_of_connection(local: Address, remote: Address) -> Owner | None:
    """Who has the end of a connection that is at `local`. None when it is gone, or the kernel does not say.

    Only connections within this machine, and within this process's network namespace, are found.
    """
    return _ask(local, remote)


def owner_of_listener(address: Address) -> Owner | None:
    """Who listens at an address, or at all of them with its port. None when nobody does, or the kernel does not say."""
    family = _family(address[0])
    return _ask(address, (NOWHERE[family], 0))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _ask(source: Address, destination: Address) -> Owner | None:
    family = _family(source[0])
    identity = (
        struct.pack("!HH", source[1], destination[1])
        + socket.inet_pton(family, source[0]).ljust(16, b"\0")
        + socket.inet_pton(family, destination[0]).ljust(16, b"\0")
        + struct.pack("=III", 0, NO_COOKIE, NO_COOKIE)
    )
    question = REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, ANY_STATE) + identity
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as kernel:
            kernel.send(HEADER.pack(HEADER.size + len(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + question)
            answer = kernel.recv(4096)
    except OSError:
        # Some sandboxes have no netlink.
        return None
    if len(answer) < OWNER_AT + OWNER.size or HEADER.unpack_from(answer)[1] == NLMSG_ERROR:
        return None
    return Owner(*OWNER.unpack_from(answer, OWNER_AT))


def is_available() -> bool:
    """Whether the kernel answers at all: without, nothing can be said about owners."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        owner = owner_of_listener(listener.getsockname())
    return owner is not None and owner.uid == os.geteuid()
