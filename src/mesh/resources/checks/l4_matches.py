"""What Istio's webhook refuses in the `tls` and `tcp` matches of a VirtualService."""

import ipaddress
from collections.abc import Iterator, Sequence

from mesh.resources.istio.virtual_service import VirtualServiceSpec
from mesh.resources.values.hosts import covers
from mesh.resources.values.names import wrong_host, wrong_port
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]


def check_l4_matches(spec: VirtualServiceSpec) -> Errors:
    """Names that are asked for must be among the hosts of the rule; subnets and ports must be some."""
    for number, tls in enumerate(spec.tls):
        for place, match in enumerate(tls.match):
            path = f"spec.tls[{number}].match[{place}]"
            yield from _names(match.sni_hosts, spec.hosts, f"{path}.sniHosts")
            yield from _place(match.destination_subnets, match.port, path)
    for number, tcp in enumerate(spec.tcp):
        for place, block in enumerate(tcp.match):
            yield from _place(block.destination_subnets, block.port, f"spec.tcp[{number}].match[{place}]")


def _names(names: Sequence[str], hosts: Sequence[str], path: str) -> Errors:
    if not names:
        yield required(path, "is empty; name the hosts that clients ask for")
    for number, name in enumerate(names):
        if wrong := wrong_host(name):
            yield FieldError(f"{path}[{number}]", wrong)
        elif not any(covers(host, name) for host in hosts):
            yield FieldError(f"{path}[{number}]", f'"{name[:80]}" is none of spec.hosts ({", ".join(hosts)[:200]})')


def _place(subnets: Sequence[str], port: int, path: str) -> Errors:
    for number, subnet in enumerate(subnets):
        try:
            ipaddress.ip_network(subnet, strict=False)
        except ValueError:
            where = f"{path}.destinationSubnets[{number}]"
            yield FieldError(where, f'"{subnet[:80]}" is not an address or network (for example, "10.0.0.0/8")')
    if port and (wrong := wrong_port(port)):
        yield FieldError(f"{path}.port", wrong)
