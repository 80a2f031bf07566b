"""What Istio's rules name: Services, subsets, Gateways, ports, certificates; one check per kind.

`mesh.resources.kinds` says which kind has which check, `mesh.resources.analysis.references` runs them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from mesh.resources.analysis.finding import Finding, warning
from mesh.resources.core.certificates import certificate_of
from mesh.resources.core.config import Secret
from mesh.resources.core.service import Service
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.virtual_service import Destination, VirtualService
from mesh.resources.values.hosts import aliases, covers, resolve, service_host
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError

Findings = Iterator[Finding]
# A Gateway that names a Secret in which there is no certificate.
UNUSABLE = "InvalidGatewayCredential"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What Gateways can name: the Secrets with a certificate and its key, and those without, by namespace and name.
    `all_there`: one that is in neither does not exist, and is not to come either."""

    usable: Collection[tuple[str, str]]
    unusable: Collection[tuple[str, str]]
    all_there: bool = True

    @classmethod
    def of(cls, secrets: Iterable[Secret], *, all_there: bool = True) -> Self:
        """Sorts Secrets by whether a Gateway can use them."""
        usable: set[tuple[str, str]] = set()
        unusable: set[tuple[str, str]] = set()
        for secret in secrets:
            group = unusable if certificate_of(secret) is None else usable
            group.add((secret.metadata.namespace, secret.metadata.name))
        return cls(usable, unusable, all_there)


@dataclass(frozen=True, slots=True)
class RuleTargets:
    """What rules can name, and who named it first.

    - `hosts`: every name of a Service or ServiceEntry, with its one full name.
    - `ports`: the ports of a host, by its full name.
    - `subsets`: the DestinationRules of a host; `wildcards` are those for many hosts, with their patterns.
    - `gateways` with the hosts that they serve, and `with_hosts` (VirtualServices that cannot be delegates):
      `namespace/name`.
    - `owners`: the first VirtualService in the mesh for a host; `speakers`: the first Gateway on a port, and what it
      speaks there.
    - `secrets`: None when certificates are not looked for.
    """

    hosts: Mapping[str, str]
    ports: Mapping[str, Sequence[int]]
    subsets: Mapping[str, Sequence[DestinationRule]]
    wildcards: Sequence[tuple[str, DestinationRule]]
    gateways: Mapping[str, Sequence[str]]
    with_hosts: Collection[str]
    owners: Mapping[str, VirtualService]
    speakers: Mapping[int, tuple[str, Gateway]]
    secrets: Secrets | None = None

    @classmethod
    def of(cls, objects: Iterable[Resource], secrets: Secrets | None = None) -> Self:
        """The targets among these objects; who comes first is first."""
        everything = list(objects)
        services = [typed for typed in everything if isinstance(typed, Service)]
        gateways = [typed for typed in everything if isinstance(typed, Gateway)]
        rules = [typed for typed in everything if isinstance(typed, VirtualService)]
        entries = {
            host.lower(): typed for typed in everything if isinstance(typed, ServiceEntry) for host in typed.spec.hosts
        }
        hosts = {
            alias: service_host(service.metadata.name, service.metadata.namespace)
            for service in services
            for alias in aliases(service.metadata.name, service.metadata.namespace, "")
        }
        # A Service comes before a ServiceEntry of the same host.
        hosts = {host: host for host in entries} | hosts
        ports = {host: [port.number for port in entry.spec.ports] for host, entry in entries.items()}
        ports |= {
            service_host(service.metadata.name, service.metadata.namespace): [port.port for port in service.spec.ports]
            for service in services
        }
        subsets, wildcards = _subsets((typed for typed in everything if isinstance(typed, DestinationRule)), hosts)
        return cls(
            hosts=hosts,
            ports=ports,
            subsets=subsets,
            wildcards=wildcards,
            gateways={
                _name(gateway): [host for server in gateway.spec.servers for host in server.hosts]
                for gateway in gateways
            },
            with_hosts={_name(rule) for rule in rules if rule.spec.hosts},
            owners=_owners(rules, hosts),
            speakers=_speakers(gateways),
            secrets=secrets,
        )

    def host(self, host: str, namespace: str) -> str:
        """A host by its one full name, whichever of a Service's names was written."""
        return _full_host(host, namespace, self.hosts)

    def rules_for(self, host: str) -> Sequence[DestinationRule]:
        """The DestinationRules of a host (its full name): its own come before those with a wildcard."""
        return self.subsets.get(host) or [rule for pattern, rule in self.wildcards if covers(pattern, host)]


def check_virtual_service_references(rule: VirtualService, targets: RuleTargets) -> Findings:
    """The Gateways, destinations and delegates of a VirtualService, and whether another one has its hosts."""
    yield from _gateways(rule, rule.spec.gateways, "spec.gateways", targets)
    for number, route in enumerate(rule.spec.http):
        path = f"spec.http[{number}]"
        if route.delegate is not None:
            delegate = f"{route.delegate.namespace or rule.metadata.namespace}/{route.delegate.name}"
            # A delegate that does not exist may still come; one with hosts can never be one.
            if delegate in targets.with_hosts:
                message = f'VirtualService "{delegate}" has hosts, so it cannot be a delegate; the route is left out'
                yield warning(rule, f"{path}.delegate", message)
        for place, weighted in enumerate(route.route):
            yield from _destination(rule, weighted.destination, f"{path}.route[{place}].destination", targets)
        if route.mirror is not None:
            yield from _destination(rule, route.mirror, f"{path}.mirror", targets)
        for place, mirror in enumerate(route.mirrors):
            yield from _destination(rule, mirror.destination, f"{path}.mirrors[{place}].destination", targets)
        for place, block in enumerate(route.match):
            yield from _gateways(rule, block.gateways, f"{path}.match[{place}].gateways", targets)
    yield from _served_hosts(rule, targets)
    yield from _claims(rule, targets)


def check_destination_rule_references(rule: DestinationRule, targets: RuleTargets) -> Findings:
    """The host of a DestinationRule."""
    yield from _short_name(rule, rule.spec.host, "spec.host", targets)
    host = resolve(rule.spec.host, rule.metadata.namespace)
    if not host.startswith("*") and host not in targets.hosts:
        yield warning(rule, "spec.host", f'no Service is named "{rule.spec.host}"')


def check_gateway_references(gateway: Gateway, targets: RuleTargets) -> Findings:
    """The certificates of a Gateway, and whether others speak the same on its ports."""
    namespace = gateway.metadata.namespace
    for number, server in enumerate(gateway.spec.servers):
        secret = server.tls.credential_name if server.tls is not None else ""
        if targets.secrets is None or not secret:
            continue
        path, key = f"spec.servers[{number}].tls.credentialName", (namespace, secret)
        if key in targets.secrets.unusable:
            message = (
                f'Secret "{namespace}/{secret}" has no certificate and key in PEM (tls.crt, tls.key); '
                f"nothing is served at port {server.port.number} for {', '.join(server.hosts)}"
            )
            yield warning(gateway, path, message, UNUSABLE)
        elif key not in targets.secrets.usable and targets.secrets.all_there:
            yield warning(gateway, path, f'there is no Secret "{namespace}/{secret}" (of type kubernetes.io/tls)')
    for number, server in enumerate(gateway.spec.servers):
        port, spoken = server.port.number, _spoken(server.port.protocol)
        first, other = targets.speakers[port]
        # One listener serves a port for all Gateways, so they must agree on what it speaks.
        if first != spoken:
            error = FieldError(
                f"spec.servers[{number}].port",
                f"{port} is {first} in {ref_of(other)} and {spoken} here; a port can speak only one of them",
                ref_of(gateway),
            )
            yield Finding("error", error, code="ConflictingGateways")


def _name(typed: Resource) -> str:
    return f"{typed.metadata.namespace}/{typed.metadata.name}"


def _full_host(host: str, namespace: str, hosts: Mapping[str, str]) -> str:
    resolved = resolve(host, namespace)
    return hosts.get(resolved, resolved)


def _subsets(
    rules: Iterable[DestinationRule], hosts: Mapping[str, str]
) -> tuple[Mapping[str, Sequence[DestinationRule]], Sequence[tuple[str, DestinationRule]]]:
    subsets: dict[str, list[DestinationRule]] = defaultdict(list)
    wildcards = []
    for rule in rules:
        host = _full_host(rule.spec.host, rule.metadata.namespace, hosts)
        if host.startswith("*"):
            wildcards.append((host, rule))
        else:
            subsets[host].append(rule)
    return subsets, wildcards


def _in_mesh(rule: VirtualService) -> bool:
    return not rule.spec.gateways or "mesh" in rule.spec.gateways


def _owners(rules: Iterable[VirtualService], hosts: Mapping[str, str]) -> Mapping[str, VirtualService]:
    owners: dict[str, VirtualService] = {}
    for rule in rules:
        if _in_mesh(rule):
            for host in rule.spec.hosts:
                owners.setdefault(_full_host(host, rule.metadata.namespace, hosts), rule)
    return owners


def _speakers(gateways: Iterable[Gateway]) -> Mapping[int, tuple[str, Gateway]]:
    speakers: dict[int, tuple[str, Gateway]] = {}
    for gateway in gateways:
        for server in gateway.spec.servers:
            speakers.setdefault(server.port.number, (_spoken(server.port.protocol), gateway))
    return speakers


def _spoken(protocol: str) -> str:
    """What a listener must speak first: plain HTTP, TLS, or whatever comes."""
    if protocol.upper() in ("HTTPS", "TLS"):
        return "TLS"
    return "plain HTTP" if protocol.upper() in ("HTTP", "HTTP2", "GRPC", "GRPC-WEB") else "TCP"


def _gateways(rule: VirtualService, gateways: Sequence[str], path: str, targets: RuleTargets) -> Findings:
    for number, gateway in enumerate(gateways):
        name = gateway if "/" in gateway else f"{rule.metadata.namespace}/{gateway}"
        if gateway != "mesh" and name not in targets.gateways:
            yield warning(rule, f"{path}[{number}]", f'there is no Gateway "{name}"')


def _served_hosts(rule: VirtualService, targets: RuleTargets) -> Findings:
    """Hosts of a rule that a Gateway which it names does not serve: requests for them get 404 there."""
    namespace = rule.metadata.namespace
    for gateway in rule.spec.gateways:
        name = gateway if "/" in gateway else f"{namespace}/{gateway}"
        served = targets.gateways.get(name)
        if served is None:
            continue
        for number, host in enumerate(rule.spec.hosts):
            if not any(_serves(pattern, name.partition("/")[0], host, namespace) for pattern in served):
                message = f'Gateway "{name}" does not serve "{host}" (it serves {", ".join(served)}); requests get 404'
                yield warning(rule, f"spec.hosts[{number}]", message, "VirtualServiceHostNotFoundInGateway")


def _serves(pattern: str, own: str, host: str, namespace: str) -> bool:
    """Whether a server's host, which may begin with a namespace (`.` for the Gateway's own), overlaps a rule's."""
    scope, _, served = pattern.rpartition("/")
    if (own if scope == "." else scope) not in ("", "*", namespace):
        return False
    return covers(served, host) or covers(host, served)


def _short_name(rule: VirtualService | DestinationRule, host: str, path: str, targets: RuleTargets) -> Findings:
    """A host with a dot is a full name to Istio, so that `web.shop` is no Service there."""
    full = targets.hosts.get(host.lower().rstrip("."), "") if "." in host else ""
    if full and full != host.lower().rstrip("."):
        message = f'"{host}" is not a full name, and Istio knows no such host; write {full}'
        yield warning(rule, path, message, "ShortHostWithDot")


def _destination(rule: VirtualService, destination: Destination, path: str, targets: RuleTargets) -> Findings:
    yield from _short_name(rule, destination.host, f"{path}.host", targets)
    host = targets.host(destination.host, rule.metadata.namespace)
    if host not in targets.hosts:
        yield warning(rule, f"{path}.host", f'no Service is named "{destination.host}"; requests get 503')
    ports = targets.ports.get(host) or ()
    yield from _port(rule, destination, path, ports)
    if destination.port is None and len(ports) == 1 and _in_mesh(rule):
        yield from _other_port(rule, destination, path, ports[0], targets)
    if destination.subset:
        yield from _subset(rule, destination, f"{path}.subset", targets.rules_for(host))


def _subset(rule: VirtualService, destination: Destination, path: str, policies: Sequence[DestinationRule]) -> Findings:
    subsets = {subset.name for policy in policies for subset in policy.spec.subsets}
    if policies and destination.subset not in subsets:
        names = " and ".join(str(ref_of(policy)) for policy in policies)
        has = ", ".join(sorted(subsets)) or "none"
        message = f'"{destination.subset}" is not a subset of {names} (it has {has})'
        yield Finding("error", FieldError(path, message, ref_of(rule)))
    elif not policies:
        message = (
            f'"{destination.subset}": no DestinationRule defines the subsets of "{destination.host}"; '
            "apply one first, or in the same file"
        )
        yield Finding("error", FieldError(path, message, ref_of(rule)), may_come=True)


def _port(rule: VirtualService, destination: Destination, path: str, ports: Sequence[int]) -> Findings:
    if not ports:
        return
    has = ", ".join(map(str, ports))
    if destination.port is not None and destination.port.number not in ports:
        number = destination.port.number
        message = f"{number} is not a port of Service {destination.host} (it has {has}); requests get 503"
        yield warning(rule, f"{path}.port.number", message, "PortNotFound")
    elif destination.port is None and len(ports) > 1 and not _in_mesh(rule):
        # Within the mesh the port that the caller used decides; at a gateway there is none to take over.
        message = f"is missing; Service {destination.host} has several ports ({has})"
        yield warning(rule, f"{path}.port", message, "VirtualServiceDestinationPortSelectorRequired")


def _other_port(rule: VirtualService, destination: Destination, path: str, port: int, targets: RuleTargets) -> Findings:
    """In Istio's mesh a destination that names no port has the one that the caller used, whatever ports it has."""
    for name in rule.spec.hosts:
        host = targets.host(name, rule.metadata.namespace)
        # A host that is no Service's is called at port 80; a wildcard stands for Services with any ports.
        called = targets.ports.get(host) or ((80,) if not host.startswith("*") else ())
        if called and port not in called:
            message = (
                f"is missing; {name} is called at port {', '.join(map(str, called))}, which Service {destination.host} "
                f"does not have: requests get 503, as with Istio; write port number {port}"
            )
            yield warning(rule, f"{path}.port", message, "PortNotFound")
            return


def _claims(rule: VirtualService, targets: RuleTargets) -> Findings:
    """One VirtualService counts for a host in the mesh, the oldest, as with Istio."""
    if not _in_mesh(rule):
        return
    for number, host in enumerate(rule.spec.hosts):
        first = targets.owners[targets.host(host, rule.metadata.namespace)]
        if first is not rule:
            yield warning(
                rule,
                f"spec.hosts[{number}]",
                f'"{host}" has an older rule, {ref_of(first)}, which alone counts, as with Istio: '
                "add the routes there, or change the service in a branch (meshmall branch create)",
                "ConflictingMeshGatewayVirtualServiceHosts",
            )
