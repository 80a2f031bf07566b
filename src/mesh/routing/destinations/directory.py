"""Who is where: Services by host, their ports, and the pods that a selector takes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.core.service import Service, ServicePort, ServiceSpec
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.meshmall.branch import branch_of
from mesh.resources.values.hosts import aliases, service_host
from mesh.resources.values.meta import ObjectMeta, ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.memory import Memory, Same
from mesh.routing.model.cluster import Endpoint
from mesh.routing.world import MeshPod, World

# Services of type ExternalName that lead to one another.
LONGEST_CHAIN = 8


class MeshService(NamedTuple):
    """A Service under its fully qualified host; of a ServiceEntry, one host as if it were a Service."""

    host: str
    definition: Service
    entry: ServiceEntry | None = None

    @property
    def ref(self) -> Ref:
        """The object that it comes from."""
        return ref_of(self.entry or self.definition)

    @property
    def namespace(self) -> str:
        return self.definition.metadata.namespace

    @property
    def name(self) -> str:
        return self.definition.metadata.name

    @property
    def spec(self) -> ServiceSpec:
        return self.definition.spec

    def port(self, number: int) -> ServicePort | None:
        return next((port for port in self.spec.ports if port.port == number), None)


class Directory:
    """Built once for a world; every look-up is by key."""

    def __init__(self, world: World, memory: Memory) -> None:
        everything = memory.keep("services", world.services, lambda: _mesh_services(world.services))
        self._alias_of = memory.keep("alias of", everything, lambda: _targets(everything))
        self.services = memory.keep(
            "own services",
            everything,
            lambda: tuple(service for service in everything if service.host not in self._alias_of),
        )
        self._addresses = world.addresses
        self._written = defaultdict[tuple[str, str], list[EndpointSlice]](list)
        for piece in world.slices:
            self._written[piece.metadata.namespace, piece.service].append(piece)
        self.entries = tuple(
            MeshService(host.lower(), _as_service(entry, host.lower()), entry)
            for entry in world.entries
            for host in entry.spec.hosts
        )
        # ServiceEntries of one namespace for one host are one service with the endpoints of all, as with Istio.
        self._joined = defaultdict[tuple[str, str], list[ServiceEntry]](list)
        for service in self.entries:
            if service.entry is not None:
                self._joined[service.namespace, service.host].append(service.entry)
        # A Service wins over a ServiceEntry for its host, and of two ServiceEntries the older one.
        self._by_host = {service.host: service for service in (*reversed(self.entries), *self.services)}
        self._by_alias = memory.keep("aliases", everything, lambda: _by_alias(everything, self._alias_of))
        self._by_label = memory.keep("labels", world.pods, lambda: _by_label(world.pods))
        self._memory = memory

    def service(self, host: str) -> MeshService | None:
        """The Service that a resolved host names."""
        return self._by_host.get(host) or self._by_alias.get(host)

    def names(self, service: MeshService, namespace: str) -> tuple[str, ...]:
        """All names that a pod of a namespace can call a Service by; those of ExternalName Services for it, too."""
        others = (alias for alias, target in self._alias_of.values() if target.host == service.host)
        names = (aliases(known_as.name, known_as.namespace, namespace) for known_as in (service, *others))
        return tuple(name for group in names for name in group)

    def addresses_of(self, entry: ServiceEntry, host: str) -> tuple[str, ...]:
        """What the host of a ServiceEntry is resolved to, where its endpoints do not come from a selector."""
        return self._addresses.get(host, ()) if entry.spec.workload_selector is None else ()

    def pod_of(self, host: str, port: int) -> Endpoint | None:
        """A ready pod of the Service that a full host names."""
        service = self.service(host)
        service_port = service.port(port) if service is not None else None
        if service is None or service_port is None:
            return None
        return next(iter(self.endpoints(service, service_port, {})), None)

    def selected(self, namespace: str, labels: Mapping[str, str]) -> Sequence[MeshPod]:
        """The pods that carry all of these labels; none for no labels."""
        if not labels:
            return ()
        # Pods are indexed by single labels: start with the rarest one.
        groups = [self._by_label.get((namespace, key, value), []) for key, value in labels.items()]
        rarest = min(groups, key=len)
        return [pod for pod in rarest if labels.items() <= pod.labels.items()]

    def pods_of(self, service: MeshService) -> tuple[MeshPod, ...]:
        """The pods that a Service's endpoints come from."""
        return self._memory.keep(
            ("pods", service.host, service.entry is None),
            (service, Same(self._by_label)),
            lambda: tuple(self._pods_of(service)),
        )

    def _pods_of(self, service: MeshService) -> Sequence[MeshPod]:
        if service.entry is None:
            return self.selected(service.namespace, service.spec.selector)
        selector = service.entry.spec.workload_selector
        return self.selected(service.entry.metadata.namespace, selector.labels) if selector is not None else ()

    def is_asked_for(self, service: MeshService) -> bool:
        """Whether requests go to the host that each of them names: a wildcard that lists no endpoints."""
        entry = service.entry
        return (
            entry is not None
            and service.host.startswith("*")
            and not entry.spec.endpoints
            and entry.spec.workload_selector is None
        )

    def endpoints(self, service: MeshService, port: ServicePort, subset: Mapping[str, str]) -> tuple[Endpoint, ...]:
        """The ready pods' addresses for a port, sorted; `subset` are labels that they have besides the selector's."""
        if service.entry is not None:
            joined = self._joined[service.namespace, service.host]
            listed = (
                self._listed(entry, service.host, port, subset)
                for entry in joined
                if any(declared.number == port.port for declared in entry.spec.ports)
            )
            return tuple(dict.fromkeys(endpoint for endpoints in listed for endpoint in endpoints))
        selector = service.spec.selector
        if service.spec.type == "ExternalName":
            name = service.spec.external_name.rstrip(".").lower()
            return tuple(Endpoint(address, port.port, name) for address in self._addresses.get(name, ()))
        if not selector and not subset:
            return tuple(self._written_by_hand(service, port))
        contradicts = any(selector.get(key, value) != value for key, value in subset.items())
        if contradicts or not selector:
            return ()
        endpoints = [
            Endpoint(pod.ip, number, f"{pod.namespace}/{pod.name}")
            for pod in self.selected(service.namespace, {**selector, **subset})
            if pod.ready or service.spec.publish_not_ready_addresses
            for number in target(port, pod)
        ]
        return tuple(sorted(endpoints, key=lambda endpoint: (endpoint.pod, endpoint.port)))

    def _written_by_hand(self, service: MeshService, port: ServicePort) -> Iterator[Endpoint]:
        """The endpoints of EndpointSlices that somebody wrote: ports go by their name, as in Kubernetes."""
        for piece in self._written.get((service.namespace, service.name), ()):
            numbers = [listed.port for listed in piece.ports if listed.name == port.name and listed.port]
            for endpoint in piece.endpoints if piece.address_type == "IPv4" else ():
                if endpoint.conditions.ready is not False or service.spec.publish_not_ready_addresses:
                    for address in endpoint.addresses:
                        yield from (Endpoint(address, number, address) for number in numbers)

    def _listed(
        self, entry: ServiceEntry, host: str, port: ServicePort, subset: Mapping[str, str]
    ) -> tuple[Endpoint, ...]:
        """The endpoints that a ServiceEntry lists, with names among them as they were resolved."""
        spec = entry.spec
        number = next((declared.target_port for declared in spec.ports if declared.number == port.port), 0) or port.port
        if spec.workload_selector is not None:
            pods = self.selected(entry.metadata.namespace, {**spec.workload_selector.labels, **subset})
            return tuple(Endpoint(pod.ip, number, f"{pod.namespace}/{pod.name}") for pod in pods if pod.ready)
        if not spec.endpoints:
            return tuple(Endpoint(address, number, host) for address in self._addresses.get(host, ()))
        endpoints = []
        for listed in spec.endpoints:
            if subset.items() <= listed.labels.items():
                addresses = self._addresses.get(listed.address, (listed.address,))
                at = listed.ports.get(port.name, number)
                endpoints += [Endpoint(address, at, listed.address, listed.weight) for address in addresses]
        return tuple(endpoints)


def _mesh_services(services: Sequence[Service]) -> tuple[MeshService, ...]:
    return tuple(
        MeshService(service_host(service.metadata.name, service.metadata.namespace), _of_tcp(service))
        for service in services
    )


def _of_tcp(service: Service) -> Service:
    """The Service without its ports of UDP and SCTP, which Envoy does not carry: one may have the number of a TCP port,
    and what is made for a port has its name by the number."""
    ports = service.spec.ports
    if all(port.protocol == "TCP" for port in ports):
        return service
    spec = replace(service.spec, ports=[port for port in ports if port.protocol == "TCP"])
    return replace(service, spec=spec)


def _targets(services: Sequence[MeshService]) -> Mapping[str, tuple[MeshService, MeshService]]:
    """Services of type ExternalName that stand for another one of the mesh (Istio's aliases), each with that one.

    One that leads round and round, or to nothing in the mesh, stands for a name outside.
    """
    by_name = {name: service for service in services for name in aliases(service.name, service.namespace, "")}
    targets = {}
    for service in services:
        target: MeshService | None = service
        for _ in range(LONGEST_CHAIN):
            if target is None or target.spec.type != "ExternalName":
                break
            target = by_name.get(target.spec.external_name.rstrip(".").lower())
        if target is not None and target is not service and target.spec.type != "ExternalName":
            targets[service.host] = (service, target)
    return targets


def _by_alias(
    services: Sequence[MeshService], targets: Mapping[str, tuple[MeshService, MeshService]]
) -> Mapping[str, MeshService]:
    return {
        alias: targets[service.host][1] if service.host in targets else service
        for service in services
        for alias in aliases(service.name, service.namespace, "")
    }


def _by_label(pods: Sequence[MeshPod]) -> Mapping[tuple[str, str, str], Sequence[MeshPod]]:
    """The pods that Services can select, by namespace, label and value; those of branches are not among them."""
    groups: dict[tuple[str, str, str], list[MeshPod]] = defaultdict(list)
    for pod in pods:
        if not branch_of(pod.labels):
            for key, value in pod.labels.items():
                groups[pod.namespace, key, value].append(pod)
    return groups


def _as_service(entry: ServiceEntry, host: str) -> Service:
    """One host of an entry in the shape of a Service, so that rules are compiled for it as for any."""
    ports = [
        ServicePort(port=port.number, name=port.name, app_protocol=port.protocol.lower())
        for port in entry.spec.ports
        if port.protocol.upper() != "UDP"
    ]
    metadata = ObjectMeta(name=host, namespace=entry.metadata.namespace)
    return Service(api_version="v1", kind="Service", metadata=metadata, spec=ServiceSpec(ports=ports))


def target(port: ServicePort, pod: MeshPod) -> Iterator[int]:
    """The port of a pod that a Service's port stands for; none when the pod has none of that name."""
    name_or_number = port.target_port if port.target_port is not None else port.port
    if isinstance(name_or_number, int):
        yield name_or_number
    elif name_or_number in pod.ports:
        yield pod.ports[name_or_number]
