"""Who is where: Services by host, their ports, and the pods that a selector takes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mesh.resources.core.service import Service, ServicePort, ServiceSpec
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.meshmall.branch import branch_of
from mesh.resources.values.hosts import aliases, service_host
from mesh.resources.values.meta import ObjectMeta, ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.memory import Memory, Same
from mesh.routing.model.cluster import Endpoint
from mesh.routing.world import MeshPod, World


class Known(NamedTuple):
    """A Service under its fully qualified host; of a ServiceEntry, one host as if it were a Service."""

    host: str
    service: Service
    entry: ServiceEntry | None = None

    @property
    def ref(self) -> Ref:
        """The object that it was made of."""
        return ref_of(self.entry or self.service)

    @property
    def namespace(self) -> str:
        return self.service.metadata.namespace

    @property
    def name(self) -> str:
        return self.service.metadata.name

    def port(self, number: int) -> ServicePort | None:
        return next((port for port in self.service.spec.ports if port.port == number), None)


class Directory:
    """Built once for a world; every look-up is by key. `memory` has what the last one was built of."""

    def __init__(self, world: World, memory: Memory) -> None:
        self.services = memory.keep("services", world.services, lambda: _known(world.services))
        self._addresses = world.addresses
        self.entries = tuple(
            Known(host.lower(), _as_service(entry, host.lower()), entry)
            for entry in world.entries
            for host in entry.spec.hosts
        )
        self._by_host = {known.host: known for known in (*reversed(self.entries), *self.services)}
        self._by_alias = memory.keep("aliases", self.services, lambda: _by_alias(self.services))
        self._by_label = memory.keep("labels", world.pods, lambda: _by_label(world.pods))
        self._memory = memory

    def service(self, host: str) -> Known | None:
        """The Service that a resolved host names."""
        return self._by_host.get(host) or self._by_alias.get(host)

    def addresses_of(self, entry: ServiceEntry, host: str) -> Sequence[str]:
        """What a client finds when it asks for the address of one of an entry's hosts."""
        return self._addresses.get(host, ()) if entry.spec.workload_selector is None else ()

    def pod_of(self, host: str, port: int) -> Endpoint | None:
        """A ready pod of the Service that a full host names."""
        known = self.service(host)
        named = known.port(port) if known is not None else None
        if known is None or named is None:
            return None
        return next(iter(self.endpoints(known, named, {})), None)

    def selected(self, namespace: str, labels: Mapping[str, str]) -> Sequence[MeshPod]:
        """The pods that carry all of these labels; none for no labels."""
        if not labels:
            return ()
        groups = [self._by_label.get((namespace, key, value), []) for key, value in labels.items()]
        smallest = min(groups, key=len)
        wanted = labels.items()
        return [each for each in smallest if all(each.labels.get(key) == value for key, value in wanted)]

    def pods_of(self, known: Known) -> tuple[MeshPod, ...]:
        """The pods that a Service's endpoints are made of."""
        return self._memory.keep(
            ("pods", known.host, known.entry is None),
            (known, Same(self._by_label)),
            lambda: tuple(self._pods_of(known)),
        )

    def _pods_of(self, known: Known) -> Sequence[MeshPod]:
        if known.entry is None:
            return self.selected(known.namespace, known.service.spec.selector)
        selector = known.entry.spec.workload_selector
        return self.selected(known.entry.metadata.namespace, selector.labels) if selector is not None else ()

    def endpoints(self, known: Known, port: ServicePort, subset: Mapping[str, str]) -> tuple[Endpoint, ...]:
        """The ready pods' addresses for a port, sorted."""
        if known.entry is not None:
            return self._listed(known.entry, known.host, port, subset)
        wanted = {**known.service.spec.selector, **subset}
        if any(known.service.spec.selector.get(key, value) != value for key, value in subset.items()):
            return ()
        if not known.service.spec.selector:
            return ()
        found = [
            Endpoint(each.ip, number, f"{each.namespace}/{each.name}")
            for each in self.selected(known.namespace, wanted)
            if each.ready or known.service.spec.publish_not_ready_addresses
            for number in target(port, each)
        ]
        return tuple(sorted(found, key=lambda endpoint: (endpoint.pod, endpoint.port)))

    def _listed(
        self, entry: ServiceEntry, host: str, port: ServicePort, subset: Mapping[str, str]
    ) -> tuple[Endpoint, ...]:
        """The endpoints that a ServiceEntry lists, names among them as they were resolved."""
        spec = entry.spec
        number = next((each.target_port for each in spec.ports if each.number == port.port), 0) or port.port
        if spec.workload_selector is not None:
            wanted = {**spec.workload_selector.labels, **subset}
            pods = self.selected(entry.metadata.namespace, wanted)
            return tuple(Endpoint(each.ip, number, f"{each.namespace}/{each.name}") for each in pods if each.ready)
        if not spec.endpoints:
            return tuple(Endpoint(address, number, host) for address in self._addresses.get(host, ()))
        found = []
        for each in spec.endpoints:
            if subset.items() <= each.labels.items():
                addresses = self._addresses.get(each.address, (each.address,))
                at = each.ports.get(port.name, number)
                found += [Endpoint(address, at, each.address, each.weight) for address in addresses]
        return tuple(found)


def _known(services: Sequence[Service]) -> tuple[Known, ...]:
    return tuple(Known(service_host(each.metadata.name, each.metadata.namespace), each) for each in services)


def _by_alias(services: Sequence[Known]) -> Mapping[str, Known]:
    return {alias: known for known in services for alias in aliases(known.name, known.namespace, "")}


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
        ServicePort(port=each.number, name=each.name, app_protocol=each.protocol.lower()) for each in entry.spec.ports
    ]
    metadata = ObjectMeta(name=host, namespace=entry.metadata.namespace)
    return Service(api_version="v1", kind="Service", metadata=metadata, spec=ServiceSpec(ports=ports))


def target(port: ServicePort, pod: MeshPod) -> Iterator[int]:
    """The port of a pod that a Service's port stands for; none when the pod has none of that name."""
    named = port.target_port if port.target_port is not None else port.port
    if isinstance(named, int):
        yield named
    elif named in pod.ports:
        yield pod.ports[named]
