"""Which names pods can look up: worked out of the objects, and kept up to date in the pods' resolver.

Follows Kubernetes' DNS for Services and Pods: Services by their ClusterIP, headless ones by their pods' IPs, pods by
hostname and subdomain, named ports as SRV records, ExternalName as an alias. Names that only the mesh has are here too:
the host, the API, hosts of ServiceEntries, and services that only a branch has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from mesh.pods.network.addresses import DNS_ADDRESS, HOST_ADDRESS
from mesh.pods.network.names import ZONE, Name, pointer_name
from mesh.pods.network.pools import API_ADDRESS
from mesh.reconcile.follower import Follower
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.core.service import Service
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.meshmall.branch import Branch
from mesh.store import Store

HOST_NAME = "host.meshmall.internal"
# Where a name leads that has no address of its own, such as a service of one branch: every connection is redirected to
# the pod's listener anyway, and HTTP is routed by the name.
ANY_ADDRESS = "10.244.0.3"
SERVICE_LABEL = "kubernetes.io/service-name"
# Seconds that changes are gathered: a rollout makes many, and a client that looks up meanwhile asks again.
GATHER = 0.02
KINDS = frozenset({"Service", "EndpointSlice", "ServiceEntry", "Branch", "Pod"})

SetNames = Callable[[Mapping[str, Name]], Awaitable[None]]


class NameTable:
    """Follows the objects that names depend on and passes the whole table to `set_names` when it has changed."""

    LOOP = "names"

    def __init__(self, store: Store, set_names: SetNames, supervisor: Supervisor) -> None:
        self._store = store
        self._set_names = set_names
        self._supervisor = supervisor

    def start(self) -> None:
        self._supervisor.start(self.LOOP, self._run)

    async def stop(self) -> None:
        """Idempotent."""
        await self._supervisor.stop(self.LOOP)

    async def _run(self) -> None:
        follower = Follower(self._store)
        try:
            while (changes := await follower.next()) is not None:
                if changes.relist or any(event.object.ref.kind in KINDS for event in changes.events):
                    await self._set_names(name_table(self._store))
                    await asyncio.sleep(GATHER)
        finally:
            follower.close()


def name_table(store: Store) -> dict[str, Name]:
    """Every name of the mesh, in full, without the final dot."""
    slices: dict[tuple[str, str], list[EndpointSlice]] = {}
    for piece in store.of(EndpointSlice):
        owner = (piece.metadata.labels or {}).get(SERVICE_LABEL, "")
        slices.setdefault((piece.metadata.namespace, owner), []).append(piece)
    table: dict[str, Name] = {}
    # Names that only the mesh has come first: a Service of the same name is what its author means.
    for entry in store.of(ServiceEntry):
        for host in entry.spec.hosts:
            addresses = tuple(address for address in entry.spec.addresses if "/" not in address)
            if addresses:
                table[host.lower()] = Name(addresses)
    for branch in store.of(Branch):
        for name, part in branch.spec.services.items():
            if part.template is not None:
                table[_service_name(name, branch.metadata.namespace)] = Name((ANY_ADDRESS,))
    for service in store.of(Service):
        own_slices = slices.get((service.metadata.namespace, service.metadata.name), [])
        table.update(_names_of(service, own_slices))
    table.update(_own_names())
    return table


def _own_names() -> Mapping[str, Name]:
    api, dns = _service_name("kubernetes", "default"), _service_name("kube-dns", "kube-system")
    return {
        HOST_NAME: Name((HOST_ADDRESS,)),
        api: Name((API_ADDRESS,)),
        f"_https._tcp.{api}": Name(services=((443, api),)),
        pointer_name(API_ADDRESS): Name(pointer=api),
        dns: Name((DNS_ADDRESS,)),
        pointer_name(DNS_ADDRESS): Name(pointer=dns),
    }


def _names_of(service: Service, slices: Iterable[EndpointSlice]) -> Mapping[str, Name]:
    name = _service_name(service.metadata.name, service.metadata.namespace)
    spec = service.spec
    if spec.type == "ExternalName":
        return {name: Name(alias=spec.external_name.rstrip(".").lower())}
    if spec.cluster_ip not in ("", "None"):
        table = {name: Name((spec.cluster_ip,)), pointer_name(spec.cluster_ip): Name(pointer=name)}
        for port in spec.ports:
            if port.name:
                table[f"_{port.name}._{(port.protocol or 'TCP').lower()}.{name}"] = Name(services=((port.port, name),))
        return table
    return _headless(service, name, slices)


def _headless(service: Service, name: str, slices: Iterable[EndpointSlice]) -> Mapping[str, Name]:
    """One address for each ready pod, and each pod by its hostname where it has one."""
    table: dict[str, Name] = {}
    addresses: dict[str, None] = {}
    targets: dict[str, list[tuple[int, str]]] = {}
    for piece in slices:
        for endpoint in piece.endpoints:
            if endpoint.conditions.ready is False and not service.spec.publish_not_ready_addresses:
                continue
            host = endpoint.hostname or endpoint.addresses[0].replace(".", "-")
            target = f"{host}.{name}"
            addresses |= dict.fromkeys(endpoint.addresses)
            table[target] = Name(tuple(endpoint.addresses))
            for address in endpoint.addresses:
                table[pointer_name(address)] = Name(pointer=target)
            for port in piece.ports:
                if port.name and port.port:
                    key = f"_{port.name}._{port.protocol.lower()}.{name}"
                    targets.setdefault(key, []).append((port.port, target))
    table.update({key: Name(services=tuple(dict.fromkeys(services))) for key, services in targets.items()})
    # Without any pod the name exists and has no address: clients learn that at once, and ask again later.
    table[name] = Name(tuple(addresses))
    return table


def _service_name(name: str, namespace: str) -> str:
    return f"{name}.{namespace}.svc.{ZONE}".lower()
