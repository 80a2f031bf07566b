"""What an EndpointSlice can get wrong (Kubernetes, pkg/apis/discovery/validation).

A loopback address is allowed here: it is a process of the developer's machine.
"""

import ipaddress
from collections.abc import Iterator

from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.values.names import none_of, wrong_label, wrong_subdomain
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]
ADDRESS_TYPES = ("IPv4", "IPv6", "FQDN")
MOST_ENDPOINTS, MOST_ADDRESSES, MOST_PORTS = 1000, 100, 100


def check_endpoint_slice(piece: EndpointSlice) -> Errors:
    """Everything wrong with an EndpointSlice by itself."""
    yield from none_of(piece.address_type, ADDRESS_TYPES, "addressType")
    if len(piece.endpoints) > MOST_ENDPOINTS:
        yield FieldError("endpoints", f"has {len(piece.endpoints)}; at most {MOST_ENDPOINTS}")
    for number, endpoint in enumerate(piece.endpoints):
        path = f"endpoints[{number}]"
        if not endpoint.addresses:
            yield required(f"{path}.addresses", "is empty; an endpoint has at least one address")
        elif len(endpoint.addresses) > MOST_ADDRESSES:
            yield FieldError(f"{path}.addresses", f"has {len(endpoint.addresses)}; at most {MOST_ADDRESSES}")
        for place, address in enumerate(endpoint.addresses):
            if wrong := _wrong_address(address, piece.address_type):
                yield FieldError(f"{path}.addresses[{place}]", wrong)
        if endpoint.hostname and (wrong := wrong_label(endpoint.hostname)):
            yield FieldError(f"{path}.hostname", wrong)
    if len(piece.ports) > MOST_PORTS:
        yield FieldError("ports", f"has {len(piece.ports)}; at most {MOST_PORTS}")
    names: set[str] = set()
    for number, port in enumerate(piece.ports):
        path = f"ports[{number}]"
        if port.name and (wrong := wrong_label(port.name)):
            yield FieldError(f"{path}.name", wrong)
        if port.name in names:
            yield FieldError(f"{path}.name", f'duplicate "{port.name}"')
        names.add(port.name)
        yield from none_of(port.protocol, ("TCP", "UDP", "SCTP"), f"{path}.protocol")


def check_endpoint_slice_update(old: EndpointSlice, new: EndpointSlice) -> Errors:
    """The type of the addresses stays."""
    if old.address_type != new.address_type:
        yield FieldError("addressType", f'cannot be changed; it is "{old.address_type}"')


def _wrong_address(address: str, kind: str) -> str:
    if kind == "FQDN":
        return wrong_subdomain(address)
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return f'"{address[:80]}" is not an IP address'
    return "" if f"IPv{version}" == kind else f"{address} is not of type {kind}"
