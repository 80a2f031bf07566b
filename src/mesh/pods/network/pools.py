"""Addresses of namespaces mode: a pool for pods and one for Services.

Nobody outside the mesh sees them, so two meshes on one machine may give out the same ones.
"""

import ipaddress
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol

PODS = ipaddress.IPv4Network("10.244.0.0/16")
SERVICES = ipaddress.IPv4Network("10.96.0.0/12")
# Kubernetes' own conventions: the API's Service has the first address of the range, the cluster's DNS the tenth.
API_ADDRESS, DNS_ADDRESS = "10.96.0.1", "10.96.0.10"
# 10.244.0.x is the mesh's own: the bridge, and what stands for the host.
FIRST_POD, LAST_POD = int(PODS[256]), int(PODS[-2])
# Below these, ClusterIPs are left to manifests that name theirs, as Kubernetes' allocator does.
FIRST_SERVICE = int(SERVICES[256])
SERVICE_COUNT = 1 << 16
REST_SECONDS = 60.0


class NoAddressFree(OSError):
    """The pool has no address left."""


class AddressPool(Protocol):
    """What gives out a mesh's addresses."""

    def pod_ip(self) -> str:
        """An address that no pod has. Raises NoAddressFree."""
        ...

    def release(self, address: str) -> None:
        """Takes a pod's address back. Does nothing for one that is not in use."""
        ...

    def service_ip(self, taken: Collection[str]) -> str:
        """A ClusterIP that is not in `taken`. Raises NoAddressFree."""
        ...

    def __contains__(self, address: str) -> bool:
        """Whether an address may be a Service's in this mesh."""
        ...


class NamespaceAddresses:
    """Pods get 10.244.1.0 and up, Services 10.96.1.0 and up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_pod = FIRST_POD
        self._next_service = 0
        self._used: set[str] = set()
        self._resting: deque[tuple[float, str]] = deque()

    def __contains__(self, address: str) -> bool:
        try:
            return ipaddress.IPv4Address(address) in SERVICES
        except ValueError:
            return False

    def claim(self, address: str) -> None:
        """A pod that outlived the previous daemon keeps its address."""
        self._used.add(address)

    def pod_ip(self) -> str:
        """One that was released is given out again after a minute at the earliest: clients may still know it."""
        if self._resting and self._clock() - self._resting[0][0] >= REST_SECONDS:
            return self._take(self._resting.popleft()[1])
        while self._next_pod <= LAST_POD:
            address = str(ipaddress.IPv4Address(self._next_pod))
            self._next_pod += 1
            if address not in self._used and not address.endswith((".0", ".255")):
                return self._take(address)
        if self._resting:
            return self._take(self._resting.popleft()[1])
        raise NoAddressFree(f"{PODS} has no address left for a pod ({len(self._used)} are in use)")

    def release(self, address: str) -> None:
        if address in self._used:
            self._used.discard(address)
            self._resting.append((self._clock(), address))

    def service_ip(self, taken: Collection[str]) -> str:
        """Goes round, so that a freed one is not given out again at once."""
        for _ in range(SERVICE_COUNT):
            address = str(ipaddress.IPv4Address(FIRST_SERVICE + self._next_service % SERVICE_COUNT))
            self._next_service += 1
            if address not in taken and not address.endswith((".0", ".255")):
                return address
        raise NoAddressFree(f"{SERVICES} has no address left for a Service")

    def _take(self, address: str) -> str:
        self._used.add(address)
        return address
