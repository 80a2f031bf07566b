"""What a Service can get wrong by itself, and what may not change in it.

The rules and the paths of fields are those of Kubernetes' API server (pkg/apis/core/validation, ValidateService).
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence

from mesh.resources.core.service import Service, ServicePort, ServiceSpec
from mesh.resources.values.hosts import is_address
from mesh.resources.values.names import QUALIFIED, none_of, wrong_label, wrong_labels, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, duplicate, forbidden, meant, not_supported, required

NODE_PORTS = range(30000, 32768)
TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
PROTOCOLS = ("TCP", "UDP", "SCTP")
POLICIES = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
LONGEST_AFFINITY = 86400
Errors = Iterator[FieldError]


def check_service(service: Service) -> Errors:
    """Everything wrong with a Service by itself."""
    spec = service.spec
    if spec.type not in TYPES:
        yield not_supported("spec.type", f'"{spec.type}" is not a type of Service{meant(spec.type, TYPES)}')
    if not spec.ports and spec.type != "ExternalName" and spec.cluster_ip != "None":
        yield required("spec.ports", "is empty; a Service needs at least one port")
    yield from (FieldError("spec.selector", f"{key}: {why}") for key, why in wrong_labels(spec.selector))
    yield from _ports(spec)
    yield from _addresses(spec)
    yield from _affinity(spec)
    yield from _policies(spec)
    yield from _load_balancer(spec)


def advise_service(service: Service) -> Errors:
    """Ports that are stored and found by name, but whose traffic nobody carries."""
    for place, port in enumerate(service.spec.ports):
        if port.protocol == "SCTP":
            message = "SCTP is stored and resolvable, but this mesh carries only TCP and UDP"
            yield FieldError(f"spec.ports[{place}].protocol", message)


def check_service_update(old: Service, new: Service) -> Errors:
    """The ClusterIP stays, since clients may have resolved it; an ExternalName has none."""
    if (
        new.spec.cluster_ip
        and old.spec.cluster_ip
        and old.spec.cluster_ip != new.spec.cluster_ip
        and "ExternalName" not in (old.spec.type, new.spec.type)
    ):
        yield FieldError("spec.clusterIPs[0]", f'cannot be changed; it is "{old.spec.cluster_ip}"')
    if (
        old.spec.type == new.spec.type == "LoadBalancer"
        and old.spec.load_balancer_class != new.spec.load_balancer_class
    ):
        yield FieldError("spec.loadBalancerClass", f'cannot be changed; it is "{old.spec.load_balancer_class}"')


def _ports(spec: ServiceSpec) -> Errors:
    names: set[str] = set()
    node_ports: set[tuple[int, str]] = set()
    numbers: set[tuple[int, str]] = set()
    for place, port in enumerate(spec.ports):
        path = f"spec.ports[{place}]"
        yield from _port(port, path, several=len(spec.ports) > 1)
        if port.name and port.name in names:
            yield duplicate(f"{path}.name", port.name)
        names.add(port.name)
        if (port.port, port.protocol) in numbers:
            yield duplicate(path, f"{port.port}/{port.protocol}")
        numbers.add((port.port, port.protocol))
        if port.node_port:
            if spec.type not in ("NodePort", "LoadBalancer"):
                yield forbidden(f"{path}.nodePort", f"needs type NodePort or LoadBalancer; the type is {spec.type}")
            if port.node_port not in NODE_PORTS:
                yield FieldError(f"{path}.nodePort", f"{port.node_port} is not in 30000-32767")
            if (port.node_port, port.protocol) in node_ports:
                yield duplicate(f"{path}.nodePort", port.node_port)
            node_ports.add((port.node_port, port.protocol))


def _port(port: ServicePort, path: str, *, several: bool) -> Errors:
    if several and not port.name:
        yield required(f"{path}.name", "is missing; ports need names where there are several")
    elif port.name and (wrong := wrong_label(port.name)):
        yield FieldError(f"{path}.name", wrong)
    if wrong := wrong_port(port.port):
        yield FieldError(f"{path}.port", wrong)
    target = port.target_port
    if isinstance(target, int) and (wrong := wrong_port(target)):
        yield FieldError(f"{path}.targetPort", wrong)
    if isinstance(target, str):
        yield from (FieldError(f"{path}.targetPort", f'"{target[:80]}" {why}') for why in _wrong_port_name(target))
    yield from none_of(port.protocol, PROTOCOLS, f"{path}.protocol")
    prefix, slash, name = port.app_protocol.rpartition("/")
    if port.app_protocol and ((slash and wrong_subdomain(prefix)) or not QUALIFIED.fullmatch(name)):
        why = 'is not a protocol: a word such as "http", or one with a domain before it ("kubernetes.io/h2c")'
        yield FieldError(f"{path}.appProtocol", f'"{port.app_protocol[:80]}" {why}')


def _wrong_port_name(name: str) -> Iterator[str]:
    """Why a text cannot be the name of a container's port: each broken rule of IANA_SVC_NAME (RFC 6335) apart."""
    if len(name) > 15:
        yield "has more than 15 characters, which a port's name may not"
    if not re.fullmatch(r"[-a-z0-9]+", name):
        yield "is neither a port nor the name of a container's port: lower-case letters, digits and hyphens"
    if not re.search("[a-z]", name):
        yield "is neither a port nor the name of a container's port, which has at least one letter (a-z)"
    if "--" in name:
        yield "has two hyphens in a row, which a port's name may not"
    if name[:1] == "-" or name[-1:] == "-":
        yield "begins or ends with a hyphen, which a port's name may not"


def _addresses(spec: ServiceSpec) -> Errors:
    """clusterIPs, their families, external addresses, and the name of an ExternalName."""
    if spec.type == "ExternalName":
        name = spec.external_name.removesuffix(".")
        if not name:
            yield required("spec.externalName", "is missing; a Service of type ExternalName stands for another name")
        elif wrong := wrong_subdomain(name):
            yield FieldError("spec.externalName", wrong)
        if spec.cluster_ip or spec.cluster_ips:
            yield FieldError("spec.clusterIPs", "cannot be set in a Service of type ExternalName")
    elif spec.cluster_ip == "None":
        if spec.type in ("NodePort", "LoadBalancer"):
            yield FieldError("spec.clusterIPs[0]", f'cannot be "None" in a Service of type {spec.type}')
    elif spec.cluster_ip and not is_address(spec.cluster_ip):
        yield FieldError("spec.clusterIPs[0]", f'"{spec.cluster_ip[:80]}" is neither an address nor "None"')
    for place, family in enumerate(spec.ip_families):
        if family == "IPv6":
            yield FieldError(f"spec.ipFamilies[{place}]", '"IPv6" is not configured in this mesh, which has IPv4 alone')
        else:
            yield from none_of(family, ("IPv4", "IPv6"), f"spec.ipFamilies[{place}]")
    policy = spec.ip_family_policy
    if policy == "RequireDualStack":
        yield FieldError("spec.ipFamilyPolicy", '"RequireDualStack" needs IPv6, and this mesh has IPv4 alone')
    elif policy:
        yield from none_of(policy, ("SingleStack", "PreferDualStack", "RequireDualStack"), "spec.ipFamilyPolicy")
    yield from _external(spec.external_ips)


def _external(addresses: Sequence[str]) -> Errors:
    for place, text in enumerate(addresses):
        path = f"spec.externalIPs[{place}]"
        if not is_address(text):
            yield FieldError(path, f'"{text[:80]}" is not an IP address')
            continue
        address = ipaddress.ip_address(text)
        if address.is_unspecified or address.is_loopback or address.is_link_local or address.is_multicast:
            yield FieldError(path, f'"{text}" is not an address of other machines')


def _affinity(spec: ServiceSpec) -> Errors:
    if spec.session_affinity not in ("None", "ClientIP"):
        yield not_supported("spec.sessionAffinity", f'"{spec.session_affinity}" is neither None nor ClientIP')
    config = spec.session_affinity_config
    if spec.session_affinity == "None" and config:
        yield FieldError("spec.sessionAffinityConfig", "needs sessionAffinity ClientIP")
    seconds = config.client_ip.timeout_seconds if config is not None and config.client_ip is not None else None
    if spec.session_affinity == "ClientIP" and seconds is not None and not 0 < seconds <= LONGEST_AFFINITY:
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        yield FieldError(path, f"{seconds} is not in 1-{LONGEST_AFFINITY}")


def _policies(spec: ServiceSpec) -> Errors:
    if spec.internal_traffic_policy:
        yield from none_of(spec.internal_traffic_policy, POLICIES, "spec.internalTrafficPolicy")
    if spec.external_traffic_policy:
        if is_external(spec):
            yield from none_of(spec.external_traffic_policy, POLICIES, "spec.externalTrafficPolicy")
        else:
            message = "needs type NodePort or LoadBalancer, or externalIPs"
            yield FieldError("spec.externalTrafficPolicy", message)
    if spec.health_check_node_port and not has_health_check(spec):
        message = "needs type LoadBalancer and externalTrafficPolicy Local"
        yield FieldError("spec.healthCheckNodePort", message)
    if spec.traffic_distribution:
        yield from none_of(spec.traffic_distribution, DISTRIBUTIONS, "spec.trafficDistribution")


def _load_balancer(spec: ServiceSpec) -> Errors:
    is_one = spec.type == "LoadBalancer"
    # Kubernetes names this field with a capital letter in its answers.
    ranges = "spec.LoadBalancerSourceRanges"
    if spec.load_balancer_source_ranges and not is_one:
        yield FieldError(ranges, f"needs type LoadBalancer; the type is {spec.type}")
    elif is_one:
        for place, text in enumerate(spec.load_balancer_source_ranges):
            if not _is_range(text.strip()):
                yield FieldError(f"{ranges}[{place}]", f'"{text[:80]}" is not a range of addresses (10.9.8.0/24)')
    if spec.allocate_load_balancer_node_ports is not None and not is_one:
        yield FieldError("spec.allocateLoadBalancerNodePorts", f"needs type LoadBalancer; the type is {spec.type}")
    if spec.load_balancer_class:
        prefix, slash, name = spec.load_balancer_class.rpartition("/")
        if not is_one:
            yield FieldError("spec.loadBalancerClass", f"needs type LoadBalancer; the type is {spec.type}")
        elif (slash and wrong_subdomain(prefix)) or not QUALIFIED.fullmatch(name):
            yield FieldError("spec.loadBalancerClass", f'"{spec.load_balancer_class[:80]}" is not a name')


def is_external(spec: ServiceSpec) -> bool:
    """Whether clients outside of the cluster may come in by a Service."""
    return spec.type in ("NodePort", "LoadBalancer") or (spec.type == "ClusterIP" and bool(spec.external_ips))


def has_health_check(spec: ServiceSpec) -> bool:
    """Whether Kubernetes gives a Service a port at which load balancers ask a node for its pods."""
    return spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"


def _is_range(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text
