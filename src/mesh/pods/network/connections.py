"""Resets TCP connections of a network namespace from outside of the programs that have them (sock_diag(7)).

Sizes and constants from linux/sock_diag.h and linux/inet_diag.h.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

from mesh.pods.network.netlink import NLM_F_ACK, Message, NetlinkSocket

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
# struct inet_diag_req_v2 without its socket: family, protocol, extensions, padding, states.
_REQUEST = struct.Struct("=BBBxI")
# struct inet_diag_sockid: ports, addresses, interface, cookie.
_SOCKET = struct.Struct("!HH16s16s12s")
# Of struct inet_diag_msg: the socket follows family, state, timer and retransmits.
SOCKET_AT = 4
ESTABLISHED = 1 << 1


def reset_connections(peer: str) -> None:
    """Resets every established connection of the current network namespace with an IPv4 peer, who is sent an RST.

    Raises OSError where the kernel cannot do that (CONFIG_INET_DIAG_DESTROY).
    """
    four = ipaddress.IPv4Address(peer).packed
    # Programs that listen on [::] have IPv6 sockets also for IPv4 peers.
    peers = {socket.AF_INET: four.ljust(16, b"\0"), socket.AF_INET6: b"\0" * 10 + b"\xff\xff" + four}
    with NetlinkSocket(NETLINK_SOCK_DIAG) as diag:
        for family, address in peers.items():
            for connection in list(_established(diag, family)):
                if _SOCKET.unpack(connection)[3] == address:
                    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0) + connection
                    with suppress(FileNotFoundError):  # it has just ended by itself
                        diag.send(Message(SOCK_DESTROY, NLM_F_ACK, body, "reset a connection"))


def _established(diag: NetlinkSocket, family: int) -> Iterator[bytes]:
    """The established TCP sockets, each as a struct inet_diag_sockid."""
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, ESTABLISHED) + b"\0" * _SOCKET.size
    for message in diag.dump(Message(SOCK_DIAG_BY_FAMILY, 0, body, "list connections")):
        yield message[SOCKET_AT : SOCKET_AT + _SOCKET.size]
