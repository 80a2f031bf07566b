"""Do rules name what is there? Checked over all objects as they would be after a change."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mesh.resources.core.service import Service
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.virtual_service import Destination, VirtualService
from mesh.resources.values.hosts import aliases, covers, resolve, service_host
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import Ref


@dataclass(frozen=True, slots=True)
class Finding:
    """An error refuses the change; a warning is told with it.

    `may_come`: what is missing is an object of its own, which a later change may bring. `code` is the name of the
    check, Istio's analyzer's where it has one.
    """

    severity: Literal["error", "warning"]
    error: FieldError
    may_come: bool = False
    code: str = "ReferencedResourceNotFound"


def ref_of(typed: Resource) -> Ref:
    """The identity of a typed object."""
    group = typed.api_version.rpartition("/")[0]
    return Ref(group, typed.kind, typed.metadata.namespace, typed.metadata.name)


def check(objects: Iterable[Resource], secrets: Collection[tuple[str, str]] | None = None) -> list[Finding]:
    """Everything that rules name and is not there, in the order of the objects.

    `secrets` are those there are (namespace, name); None: Gateways' certificates are not looked for.
    """
    everything = list(objects)
    services = {
        host: service_host(each.metadata.name, each.metadata.namespace)
        for each in everything
        if isinstance(each, Service)
        for host in aliases(each.metadata.name, each.metadata.namespace, "")
    }
    entries = {host.lower(): each for each in everything if isinstance(each, ServiceEntry) for host in each.spec.hosts}
    services |= {host: host for host in entries if host not in services}
    gateways = {f"{each.metadata.namespace}/{each.metadata.name}" for each in everything if isinstance(each, Gateway)}
    rules = [each for each in everything if isinstance(each, DestinationRule)]
    ports = {
        service_host(each.metadata.name, each.metadata.namespace): [port.port for port in each.spec.ports]
        for each in everything
        if isinstance(each, Service)
    }
    ports |= {host: [port.number for port in each.spec.ports] for host, each in entries.items() if host not in ports}
    with_hosts = {
        f"{each.metadata.namespace}/{each.metadata.name}"
        for each in everything
        if isinstance(each, VirtualService) and each.spec.hosts
    }
    known = _Known(services, gateways, rules, ports, with_hosts)
    found: list[Finding] = []
    claimed: dict[str, VirtualService] = {}
    for each in everything:
        if isinstance(each, VirtualService):
            found += known.virtual_service(each)
            found += known.claims(each, claimed)
        elif isinstance(each, DestinationRule):
            host = resolve(each.spec.host, each.metadata.namespace)
            if not host.startswith("*") and host not in services:
                found.append(_warning(each, "spec.host", f'no Service is named "{each.spec.host}"'))
    if secrets is not None:
        for each in everything:
            if isinstance(each, Gateway):
                found += _certificates(each, secrets)
    found += _same_port(each for each in everything if isinstance(each, Gateway))
    return found


def _certificates(gateway: Gateway, secrets: Collection[tuple[str, str]]) -> Iterator[Finding]:
    namespace = gateway.metadata.namespace
    for number, server in enumerate(gateway.spec.servers):
        name = server.tls.credential_name if server.tls is not None else ""
        if name and (namespace, name) not in secrets:
            path = f"spec.servers[{number}].tls.credentialName"
            yield _warning(gateway, path, f'there is no Secret "{namespace}/{name}" (of type kubernetes.io/tls)')


def _same_port(gateways: Iterable[Gateway]) -> Iterator[Finding]:
    """Two Gateways that serve one port must speak the same there: one listener serves both."""
    spoken: dict[int, tuple[str, Gateway]] = {}
    for gateway in gateways:
        for number, server in enumerate(gateway.spec.servers):
            wire = _wire(server.port.protocol)
            first, other = spoken.setdefault(server.port.number, (wire, gateway))
            if first != wire:
                error = FieldError(
                    f"spec.servers[{number}].port",
                    f"{server.port.number} is {first} in {ref_of(other)} and {wire} here; one port speaks one of them",
                    ref_of(gateway),
                )
                yield Finding("error", error, code="ConflictingGateways")


def _wire(protocol: str) -> str:
    """What a listener must speak first: plain HTTP, TLS, or whatever comes."""
    if protocol.upper() in ("HTTPS", "TLS"):
        return "TLS"
    return "plain HTTP" if protocol.upper() in ("HTTP", "HTTP2", "GRPC", "GRPC-WEB") else "TCP"


class _Known:
    """What there is to be named."""

    def __init__(
        self,
        services: Mapping[str, str],
        gateways: set[str],
        rules: list[DestinationRule],
        ports: Mapping[str, Sequence[int]],
        with_hosts: set[str],
    ) -> None:
        self._with_hosts = with_hosts
        self._services = services
        self._ports = ports
        self._gateways_known = gateways
        self._rules: dict[str, list[DestinationRule]] = defaultdict(list)
        self._wild: list[tuple[str, DestinationRule]] = []
        for rule in rules:
            host = self._full(rule.spec.host, rule.metadata.namespace)
            if host.startswith("*"):
                self._wild.append((host, rule))
            else:
                self._rules[host].append(rule)

    def _full(self, host: str, namespace: str) -> str:
        """A Service by its one full name, whichever of its names was written."""
        named = resolve(host, namespace)
        return self._services.get(named, named)

    def virtual_service(self, rule: VirtualService) -> Iterator[Finding]:
        yield from self._gateways(rule, rule.spec.gateways, "spec.gateways")
        for number, route in enumerate(rule.spec.http):
            if route.delegate is not None:
                named = f"{route.delegate.namespace or rule.metadata.namespace}/{route.delegate.name}"
                # One that is not there is a place kept for it; one with hosts never can be a delegate.
                if named in self._with_hosts:
                    said = f'VirtualService "{named}" has hosts, so it is no delegate; the route is left out'
                    yield _warning(rule, f"spec.http[{number}].delegate", said)
            for place, each in enumerate(route.route):
                path = f"spec.http[{number}].route[{place}].destination"
                yield from self._destination(rule, each.destination, path)
            if route.mirror is not None:
                yield from self._destination(rule, route.mirror, f"spec.http[{number}].mirror")
            for place, mirror in enumerate(route.mirrors):
                path = f"spec.http[{number}].mirrors[{place}].destination"
                yield from self._destination(rule, mirror.destination, path)
            for place, block in enumerate(route.match):
                yield from self._gateways(rule, block.gateways, f"spec.http[{number}].match[{place}].gateways")

    def _gateways(self, rule: VirtualService, gateways: Sequence[str], path: str) -> Iterator[Finding]:
        for number, gateway in enumerate(gateways):
            named = gateway if "/" in gateway else f"{rule.metadata.namespace}/{gateway}"
            if gateway != "mesh" and named not in self._gateways_known:
                yield _warning(rule, f"{path}[{number}]", f'there is no Gateway "{named}"')

    def _destination(self, rule: VirtualService, destination: Destination, path: str) -> Iterator[Finding]:
        host = self._full(destination.host, rule.metadata.namespace)
        if host not in self._services:
            yield _warning(rule, f"{path}.host", f'no Service is named "{destination.host}"; requests get 503')
        yield from self._port(rule, destination, host, path)
        if not destination.subset:
            return
        rules = self._rules.get(host) or [each for wild, each in self._wild if covers(wild, host)]
        subsets = {subset.name for each in rules for subset in each.spec.subsets}
        if rules and destination.subset not in subsets:
            named = " and ".join(str(ref_of(each)) for each in rules)
            has = ", ".join(sorted(subsets)) or "none"
            yield Finding(
                "error",
                FieldError(
                    f"{path}.subset",
                    f'"{destination.subset}" is not a subset of {named} (it has {has})',
                    ref_of(rule),
                ),
            )
        elif not rules:
            yield Finding(
                "error",
                FieldError(
                    f"{path}.subset",
                    f'"{destination.subset}": no DestinationRule says what the subsets of '
                    f'"{destination.host}" are; apply one before, or in the same file',
                    ref_of(rule),
                ),
                may_come=True,
            )

    def _port(self, rule: VirtualService, destination: Destination, host: str, path: str) -> Iterator[Finding]:
        ports = self._ports.get(host)
        if not ports:
            return
        has = ", ".join(map(str, ports))
        if destination.port is not None and destination.port.number not in ports:
            said = (
                f"{destination.port.number} is no port of Service {destination.host} (it has {has}); requests get 503"
            )
            yield _warning(rule, f"{path}.port.number", said, "PortNotFound")
        elif destination.port is None and len(ports) > 1 and rule.spec.gateways and "mesh" not in rule.spec.gateways:
            said = f"is missing; Service {destination.host} has several ports ({has})"
            yield _warning(rule, f"{path}.port", said, "VirtualServiceDestinationPortSelectorRequired")

    def claims(self, rule: VirtualService, claimed: dict[str, VirtualService]) -> Iterator[Finding]:
        """Istio takes one VirtualService a host in the mesh: a second one is told."""
        if rule.spec.gateways and "mesh" not in rule.spec.gateways:
            return
        for number, host in enumerate(rule.spec.hosts):
            named = self._full(host, rule.metadata.namespace)
            first = claimed.setdefault(named, rule)
            if first is not rule:
                yield _warning(
                    rule,
                    f"spec.hosts[{number}]",
                    f'"{host}" has rules in {ref_of(first)} too: both are merged here, Istio takes the older alone',
                    "ConflictingMeshGatewayVirtualServiceHosts",
                )


def _warning(typed: Resource, path: str, message: str, code: str = "ReferencedResourceNotFound") -> Finding:
    return Finding("warning", FieldError(path, message, ref_of(typed)), code=code)
