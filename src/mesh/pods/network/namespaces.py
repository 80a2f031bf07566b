"""Network namespaces as the agent makes and wires them: the mesh's own with its bridge, and one per pod.

The agent has one thread, so it enters a pod's namespace itself and returns, instead of forking a child for it.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mesh.pods.network.addresses import (
    DNS_ADDRESS,
    DNS_PORT,
    MESH_ADDRESS,
    MESH_PREFIX,
    SERVICE_NETWORK,
    SERVICE_PREFIX,
)
from mesh.pods.network.links import (
    default_route,
    delete_link,
    link_up,
    local_route,
    new_address,
    new_bridge,
    new_veth,
    prohibited_default,
)
from mesh.pods.network.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket
from mesh.pods.network.nftables import pod_rules
from mesh.resources.values.ports import SIDECAR_PORT
from mesh.syscalls import CLONE_NEWNET, MNT_DETACH, MS_BIND, mount, setns, umount, unshare

BRIDGE = "mesh0"
LOOPBACK_INDEX = 1  # of every network namespace
OWN_NAMESPACE = "/proc/self/ns/net"


def prepare_mesh_network() -> None:
    """Makes the bridge in the current namespace, with the mesh's address. Does nothing where it exists."""
    if BRIDGE in (name for _, name in socket.if_nameindex()):
        return
    # Before the bridge: IPv6 on its ports would only flood every pod with router solicitations.
    _sysctl("net/ipv6/conf/default/disable_ipv6", "1")
    # What pods send elsewhere than to each other (all but TCP, which is redirected) leads nowhere. As a router with a
    # prohibited route this namespace says so, each time: programs fail at once instead of waiting. (A route that is
    # just missing would be reported, too, but by a message that sockets ignore.)
    _sysctl("net/ipv4/ip_forward", "1")
    _sysctl("net/ipv4/icmp_ratelimit", "0")
    with NetlinkSocket(NETLINK_ROUTE) as route:
        route.send(link_up(LOOPBACK_INDEX), new_bridge(BRIDGE))
        route.send(new_address(socket.if_nametoindex(BRIDGE), MESH_ADDRESS, MESH_PREFIX), prohibited_default())
        # Envoy takes UDP at ClusterIPs. (TCP never comes here: it is redirected where it is sent.)
        route.send(local_route(SERVICE_NETWORK, SERVICE_PREFIX, LOOPBACK_INDEX))


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Runs the block in the network namespace behind a descriptor, and returns to this process's own."""
    own = os.open(OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(namespace, CLONE_NEWNET)
        try:
            yield
        finally:
            setns(own, CLONE_NEWNET)
    finally:
        os.close(own)


def new_namespace(path: Path) -> int:
    """Makes a network namespace, keeps it by a bind mount at `path`, and returns a descriptor of it."""
    own = os.open(OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWNET)
        try:
            namespace = os.open(OWN_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
            bind_namespace(namespace, path)
        finally:
            setns(own, CLONE_NEWNET)
    finally:
        os.close(own)
    return namespace


def bind_namespace(namespace: int, path: Path) -> None:
    """Keeps the namespace behind a descriptor at `path`, in place of what is bound there."""
    release_namespace(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    mount(f"/proc/self/fd/{namespace}", str(path), flags=MS_BIND)


def release_namespace(path: Path) -> None:
    """Unbinds and unlinks: the namespace ends with its last process and socket."""
    with suppress(OSError):
        umount(str(path), MNT_DETACH)
    path.unlink(missing_ok=True)


def link_name(address: str) -> str:
    """The name of the mesh's end of a pod's link: unique, and within IFNAMSIZ."""
    return "veth" + socket.inet_aton(address).hex()


def wire_pod(namespace: int, address: str) -> None:
    """Links the namespace to the bridge and sets its address, route and rules. Repeatable: an old link is replaced."""
    unwire_pod(address)
    with inside(namespace):
        # The kernel takes down a network that nobody uses any more some time later: until then a pod that outlived its
        # mesh has an eth0 whose other end is there.
        with NetlinkSocket(NETLINK_ROUTE) as route, suppress(OSError):
            route.send(delete_link("eth0"))
        # Before eth0 arrives. ::1 stays, and with it programs that listen on [::].
        _sysctl("net/ipv6/conf/default/disable_ipv6", "1")
    mac = b"\x0a\x58" + socket.inet_aton(address)
    with NetlinkSocket(NETLINK_ROUTE) as route:
        route.send(new_veth(link_name(address), socket.if_nametoindex(BRIDGE), "eth0", namespace, mac))
    with inside(namespace):
        with NetlinkSocket(NETLINK_ROUTE) as route:
            index = socket.if_nametoindex("eth0")
            route.send(
                link_up(LOOPBACK_INDEX),
                link_up(index),
                new_address(index, address, MESH_PREFIX),
                default_route(MESH_ADDRESS),
            )
        with NetlinkSocket(NETLINK_NETFILTER) as netfilter:
            netfilter.send(*pod_rules(address, DNS_ADDRESS, DNS_PORT, SIDECAR_PORT))
        # As container runtimes do: a program that is not root may listen on port 80, and ping.
        _sysctl("net/ipv4/ip_unprivileged_port_start", "0")
        _sysctl("net/ipv4/ping_group_range", "0 2147483647") or _sysctl(
            "net/ipv4/ping_group_range", f"{os.getgid()} {os.getgid()}"
        )


def unwire_pod(address: str) -> None:
    """Deletes the pod's link, both ends at once. Does nothing when there is none."""
    with NetlinkSocket(NETLINK_ROUTE) as route, suppress(OSError):
        route.send(delete_link(link_name(address)))


def _sysctl(name: str, value: str) -> bool:
    try:
        Path("/proc/sys", name).write_text(value)
    except OSError:
        return False  # /proc/sys may be read-only, and IPv6 may be missing; pods work without these
    return True
