"""How pods are connected: each in a network namespace of its own, or all of them on loopback addresses.

Paths are as Envoy sees them, relative to the folder that it runs in: a Unix socket's path may have 108 bytes only.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoopbackNetwork:
    """Pods have addresses of 127.0.0.0/8, and programs reach Envoy through `HTTP_PROXY`."""


@dataclass(frozen=True, slots=True)
class NamespaceNetwork:
    """Each pod has a network namespace; what it sends is redirected to a listener of Envoy's inside it.

    `pods` is the range of pod IPs, of /8, /16 or /24, `services` that of ClusterIPs. `host` is the virtual address of
    the machine (`host.meshmall.internal`), `api` that of the mesh's API. `node_addresses` are those at which pods reach
    NodePorts. `netns_folder` has a namespace's file for each pod by its uid; `socket_folder` the Unix sockets that the
    edge connects to.
    """

    pods: str = "10.244.0.0/16"
    services: str = "10.96.0.0/12"
    host: str = "10.244.0.2"
    api: str = "10.96.0.1:443"
    node_addresses: tuple[str, ...] = ("10.244.0.1",)
    netns_folder: str = "netns"
    socket_folder: str = "edge"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(\d+\.){3}\d+/(8|16|24)", self.pods):
            raise ValueError(f"pods: {self.pods!r} is not an IPv4 range of /8, /16 or /24 (for example, 10.244.0.0/16)")

    def netns_path(self, uid: str) -> str:
        """The file of a pod's network namespace."""
        return f"{self.netns_folder}/{uid}"

    def socket(self, listener: str) -> str:
        """The Unix socket of a listener that the edge serves."""
        return f"{self.socket_folder}/{re.sub('[^A-Za-z0-9.-]', '_', listener)}.sock"

    def outside_socket(self, address: str, port: int) -> str:
        """The Unix socket by which the edge connects to an address outside of the mesh's network."""
        return f"{self.socket_folder}/to-{re.sub('[^A-Za-z0-9.]', '_', address)}-{port}.sock"

    @property
    def egress_socket(self) -> str:
        """Where the edge takes connections that leave the mesh."""
        return f"{self.socket_folder}/egress.sock"

    @property
    def pod_prefix(self) -> str:
        """What every pod IP begins with, such as "10.244."."""
        address, _, length = self.pods.partition("/")
        return "".join(f"{number}." for number in address.split(".")[: int(length) // 8])


Network = LoopbackNetwork | NamespaceNetwork
