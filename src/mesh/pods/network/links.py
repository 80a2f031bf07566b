"""The rtnetlink messages that make the mesh's bridge and the pods' links.

Constants from linux/if_link.h, linux/if_addr.h and linux/rtnetlink.h.
"""

import socket
import struct

from mesh.pods.network.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, Message, attribute, nest, text

RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 17, 20, 24
IFF_UP = 1
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 1, 3, 10, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
VETH_INFO_PEER = 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST, RTN_PROHIBIT = 254, 4, 0, 1, 8
RT_TABLE_LOCAL, RT_SCOPE_HOST, RTN_LOCAL = 255, 254, 2


def _interface(index: int = 0, *, up: bool = False) -> bytes:
    """struct ifinfomsg"""
    flags = IFF_UP if up else 0
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def link_up(index: int) -> Message:
    return Message(RTM_NEWLINK, NLM_F_ACK, _interface(index, up=True), f"set interface {index} up")


def new_bridge(name: str) -> Message:
    body = _interface(up=True) + text(IFLA_IFNAME, name) + nest(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge"))
    return Message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, body, f"create bridge {name}")


def new_veth(name: str, bridge: int, peer: str, peer_namespace: int, peer_mac: bytes) -> Message:
    """A veth pair: `name`, up, a port of `bridge` (an interface index), and `peer` in the namespace of a descriptor.

    The peer cannot be set up in the same message: veth_open fails while the pair is not yet complete.
    """
    inner = (
        _interface()
        + text(IFLA_IFNAME, peer)
        + attribute(IFLA_ADDRESS, peer_mac)
        + attribute(IFLA_NET_NS_FD, struct.pack("=I", peer_namespace))
    )
    body = (
        _interface(up=True)
        + text(IFLA_IFNAME, name)
        + attribute(IFLA_MASTER, struct.pack("=I", bridge))
        + nest(IFLA_LINKINFO, text(IFLA_INFO_KIND, "veth"), nest(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, inner)))
    )
    return Message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, body, f"create veth pair {name}")


def delete_link(name: str) -> Message:
    return Message(RTM_DELLINK, NLM_F_ACK, _interface() + text(IFLA_IFNAME, name), f"delete link {name}")


def new_address(index: int, address: str, prefix: int) -> Message:
    packed = socket.inet_aton(address)
    body = struct.pack("=BBBBi", socket.AF_INET, prefix, 0, RT_SCOPE_UNIVERSE, index)
    body += attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
    return Message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_ACK, body, f"add address {address}/{prefix}")


def default_route(gateway: str) -> Message:
    body = _default_route(RTN_UNICAST) + attribute(RTA_GATEWAY, socket.inet_aton(gateway))
    return Message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, body, f"add default route via {gateway}")


def prohibited_default() -> Message:
    """A default route that answers "administratively prohibited" to whoever sends there."""
    return Message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, _default_route(RTN_PROHIBIT), "prohibit other networks")


def local_route(network: str, prefix: int, index: int) -> Message:
    """Makes all addresses of a network this namespace's own, by an interface: programs can listen at each of them."""
    header = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, prefix, 0, 0, RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL, 0
    )
    body = header + attribute(RTA_DST, socket.inet_aton(network)) + attribute(RTA_OIF, struct.pack("=I", index))
    return Message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, body, f"make {network}/{prefix} local")


def _default_route(kind: int) -> bytes:
    """struct rtmsg"""
    return struct.pack(
        "=BBBBBBBBI",
        socket.AF_INET,
        0,
        0,
        0,
        RT_TABLE_MAIN,
        RTPROT_STATIC,
        RT_SCOPE_UNIVERSE,
        kind,
        0,
    )
