"""What Istio's webhook refuses in a ServiceEntry, and what needs the caller's own name resolution."""

import ipaddress
from collections.abc import Iterator

from mesh.resources.checks.exports import check_exports
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.values.names import wrong_host, wrong_label, wrong_labels, wrong_port
from mesh.resources.values.problems import FieldError, Reason, meant, not_supported, required

Errors = Iterator[FieldError]
PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS", "UDP")
BYTES = ("TCP", "MONGO", "UDP")
RESOLVING = ("DNS", "DNS_ROUND_ROBIN")
RESOLUTIONS = ("NONE", "STATIC", *RESOLVING, "DYNAMIC_DNS")
LOCATIONS = ("", "MESH_EXTERNAL", "MESH_INTERNAL")


def check_service_entry(entry: ServiceEntry) -> Errors:
    """Everything wrong with a ServiceEntry by itself."""
    spec = entry.spec
    if not spec.hosts:
        yield required("spec.hosts", "is empty; name at least one host")
    for number, host in enumerate(spec.hosts):
        if wrong := wrong_host(host):
            yield FieldError(f"spec.hosts[{number}]", wrong)
        elif host == "*":
            yield FieldError(f"spec.hosts[{number}]", '"*" is every host, which no entry may take; name a domain')
        elif (
            host.startswith("*") and spec.resolution in RESOLVING and not spec.endpoints and not spec.workload_selector
        ):
            message = f'"{host}" cannot be resolved; use resolution NONE or DYNAMIC_DNS, or list endpoints'
            yield FieldError(f"spec.hosts[{number}]", message)
        elif spec.resolution == "DYNAMIC_DNS" and not host.startswith("*"):
            yield FieldError(f"spec.hosts[{number}]", f'"{host}" is one host; resolution DYNAMIC_DNS is for wildcards')
    if len(spec.hosts) > 1 and any(port.protocol.upper() in BYTES for port in spec.ports):
        message = "several hosts share a TCP port, which does not say which of them is called; write an entry for each"
        yield FieldError("spec.hosts", message)
    yield from check_exports(spec.export_to, entry.metadata.namespace, may_be_hidden=True)
    yield from _addresses(entry)
    yield from _ports(entry)
    if spec.resolution not in RESOLUTIONS:
        yield not_supported("spec.resolution", f'"{spec.resolution[:80]}" is none of {", ".join(RESOLUTIONS)}')
    if spec.location not in LOCATIONS:
        yield not_supported("spec.location", f'"{spec.location[:80]}" is none of {", ".join(LOCATIONS[1:])}')
    yield from _endpoints(entry)


def _addresses(entry: ServiceEntry) -> Errors:
    for number, address in enumerate(entry.spec.addresses):
        path = f"spec.addresses[{number}]"
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            yield FieldError(path, f'"{address[:80]}" is not an address or network')
        else:
            if "/" in address and entry.spec.resolution not in ("NONE", "STATIC"):
                yield FieldError(path, f'"{address}" is a network, which needs resolution NONE or STATIC')


def _ports(entry: ServiceEntry) -> Errors:
    names: set[str] = set()
    numbers: set[int] = set()
    for number, port in enumerate(entry.spec.ports):
        path = f"spec.ports[{number}]"
        if wrong := wrong_port(port.number):
            yield FieldError(f"{path}.number", wrong)
        if port.target_port and (wrong := wrong_port(port.target_port)):
            yield FieldError(f"{path}.targetPort", wrong)
        if port.name and wrong_label(port.name.lower()):
            yield FieldError(f"{path}.name", wrong_label(port.name.lower()))
        if not port.name:
            yield required(f"{path}.name", 'is missing (for example, "http")')
        if port.name in names:
            yield FieldError(path, f'duplicate name "{port.name}"', reason=Reason.DUPLICATE)
        if port.number in numbers:
            yield FieldError("spec.ports", f"{port.number} is the number of two ports")
        names.add(port.name)
        numbers.add(port.number)
        if port.protocol.upper() not in PROTOCOLS:
            problem = f'"{port.protocol[:80]}" is not a protocol' if port.protocol else "is missing"
            yield FieldError(f"{path}.protocol", problem + meant(port.protocol.upper(), PROTOCOLS))


def _endpoints(entry: ServiceEntry) -> Errors:
    spec = entry.spec
    if spec.workload_selector is not None:
        if spec.endpoints:
            yield FieldError("spec.endpoints", "cannot be used with workloadSelector")
        for key, why in wrong_labels(spec.workload_selector.labels):
            yield FieldError(f"spec.workloadSelector.labels[{key}]", why)
        return
    if spec.resolution == "STATIC" and not spec.endpoints:
        yield required("spec.endpoints", "is empty; resolution STATIC needs addresses")
    if spec.resolution == "NONE" and spec.endpoints:
        yield FieldError("spec.endpoints", "cannot be used with resolution NONE")
    if spec.resolution == "DNS_ROUND_ROBIN" and len(spec.endpoints) > 1:
        yield FieldError("spec.endpoints", f"{len(spec.endpoints)} endpoints; resolution DNS_ROUND_ROBIN takes one")
    if spec.resolution == "DYNAMIC_DNS" and spec.endpoints:
        yield FieldError("spec.endpoints", "cannot be used with resolution DYNAMIC_DNS")
    port_names = {port.name for port in spec.ports}
    for number, endpoint in enumerate(spec.endpoints):
        path = f"spec.endpoints[{number}]"
        try:
            ipaddress.ip_address(endpoint.address)
        except ValueError:
            if spec.resolution == "STATIC" or wrong_host(endpoint.address):
                yield FieldError(f"{path}.address", f'"{endpoint.address[:80]}" is not an IP address')
        for key, why in wrong_labels(endpoint.labels):
            yield FieldError(f"{path}.labels[{key}]", why)
        for name, port in endpoint.ports.items():
            if name not in port_names:
                yield FieldError(f"{path}.ports[{name[:80]}]", f"is not a port of the entry{meant(name, port_names)}")
            if wrong := wrong_port(port):
                yield FieldError(f"{path}.ports[{name[:80]}]", wrong)
