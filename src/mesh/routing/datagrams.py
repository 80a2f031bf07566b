"""UDP: where Envoy takes datagrams for Services and for UDPRoutes, and where they go. Pure.

A Service may have the same number for a port of TCP and one of UDP (DNS has), so that clusters and listeners of UDP
have names of their own. A client's datagrams go to one pod as long as it sends from the same port.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from mesh.resources.core.service import Service, ServicePort
from mesh.resources.values.hosts import service_host
from mesh.resources.values.meta import ref_of
from mesh.routing.context import Context
from mesh.routing.destinations.directory import MeshService
from mesh.routing.gateway_api.listeners import ServedListener
from mesh.routing.gateway_api.references import StreamRoute
from mesh.routing.model.cluster import Balance, Cluster, Endpoint, Group
from mesh.routing.model.listener import Listener, Role

# What the weights of all backends of a route add up to, so that they can be shared among several endpoints.
WHOLE = 100_000


class DatagramPort(NamedTuple):
    """A UDP port of a Service."""

    service: Service
    port: ServicePort

    @property
    def suffix(self) -> str:
        meta = self.service.metadata
        return f"{self.port.port}|{service_host(meta.name, meta.namespace)}"


class Datagrams:
    """The datagrams of one world."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @cached_property
    def _ports(self) -> Sequence[DatagramPort]:
        services = self._context.world.services
        return [DatagramPort(item, port) for item in services for port in item.spec.ports if port.protocol == "UDP"]

    def listeners(self) -> Iterator[Listener]:
        """Those of Services: at the ClusterIP and at the node's port."""
        for datagram_port in self._ports:
            service, port = datagram_port
            places = []
            if service.spec.cluster_ip not in ("", "None"):
                places.append(("clusterip", Role.CLUSTER_IP, service.spec.cluster_ip, port.port))
            if port.node_port:
                node = self._context.settings.node_address
                places.append(("nodeport", Role.NODE_PORT, node, port.node_port))
            for kind, role, address, number in places:
                yield Listener(
                    name=f"{kind}/udp|{datagram_port.suffix}",
                    role=role,
                    address=address,
                    port=number,
                    cluster=_cluster_name(datagram_port.suffix),
                    origins=(ref_of(service),),
                    datagrams=True,
                )

    def groups(self) -> Iterator[Group]:
        """The clusters of Services, and those of UDPRoutes."""
        for datagram_port in self._ports:
            cluster = Cluster(_cluster_name(datagram_port.suffix), origins=(ref_of(datagram_port.service),))
            yield cluster, self._endpoints(datagram_port)
        for route in self._context.world.udp_routes:
            cluster = Cluster(route_cluster(route), balance=Balance.ROUND_ROBIN, origins=(ref_of(route),))
            yield cluster, tuple(self._shared(route))

    def cluster_of(self, served: ServedListener) -> tuple[str, tuple[StreamRoute, ...]]:
        """The cluster of a UDP listener, with the route that it is of: the oldest one."""
        for route, _ in self._context.api.bound_routes(served):
            assert isinstance(route, StreamRoute)
            return route_cluster(route), (route,)
        return "nowhere", ()

    def _shared(self, route: StreamRoute) -> Iterator[Endpoint]:
        """The endpoints of all backends of a route, each with its part of the backend's weight: Envoy shares datagrams
        among endpoints, not among clusters."""
        refs = [ref for rule in route.spec.rules for ref in rule.backend_refs if ref.weight]
        total = sum(ref.weight for ref in refs)
        for ref in refs:
            if self._context.api.references.wrong_backend(route, ref) is not None:
                continue
            namespace = ref.namespace or route.metadata.namespace
            service = self._context.api.references.service(namespace, ref.name)
            ports = [item for item in self._ports if item.service is service and item.port.port == ref.port]
            endpoints = self._endpoints(ports[0]) if ports else ()
            for endpoint in endpoints:
                weight = max(1, round(WHOLE * ref.weight / total / len(endpoints)))
                yield Endpoint(endpoint.address, endpoint.port, endpoint.pod, weight)

    def _endpoints(self, datagram_port: DatagramPort) -> tuple[Endpoint, ...]:
        service, port = datagram_port
        host = service_host(service.metadata.name, service.metadata.namespace)
        return self._context.directory.endpoints(MeshService(host, service), port, {})


def route_cluster(route: StreamRoute) -> str:
    """The name of the cluster that stands for a UDPRoute."""
    return f"udproute|{route.metadata.namespace}/{route.metadata.name}"


def _cluster_name(suffix: str) -> str:
    return f"outbound/udp|{suffix}"
