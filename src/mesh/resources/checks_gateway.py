"""What Istio's webhook refuses in a Gateway, and the protocols that are not served here."""

from collections.abc import Iterator

from mesh.resources.gateway import Gateway, Server
from mesh.resources.names import wrong_host, wrong_label, wrong_labels, wrong_port
from mesh.resources.problems import FieldError, meant

Errors = Iterator[FieldError]
PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS")
SERVED = ("HTTP", "HTTP2", "GRPC")


def check_gateway(typed: Gateway) -> Errors:
    """Everything wrong with it alone."""
    if not typed.spec.servers:
        yield FieldError("spec.servers", "is empty; a Gateway needs one server at least")
    yield from (FieldError(f"spec.selector[{key}]", why) for key, why in wrong_labels(typed.spec.selector))
    names: set[str] = set()
    for number, server in enumerate(typed.spec.servers):
        path = f"spec.servers[{number}]"
        yield from _server(server, path)
        if not server.port.name:
            yield FieldError(f"{path}.port.name", 'is missing; "http", say')
        elif server.port.name in names:
            yield FieldError(f"{path}.port.name", f'"{server.port.name}" stands twice')
        names.add(server.port.name)


def _server(server: Server, path: str) -> Errors:
    if wrong := wrong_port(server.port.number):
        yield FieldError(f"{path}.port.number", wrong)
    protocol = server.port.protocol.upper()
    if protocol not in PROTOCOLS:
        found = f'"{server.port.protocol[:80]}" is no protocol' if protocol else "is missing"
        yield FieldError(f"{path}.port.protocol", found + meant(protocol, PROTOCOLS))
    elif protocol not in SERVED:
        yield FieldError(
            f"{path}.port.protocol", f'"{server.port.protocol}" is not served yet; {", ".join(SERVED)} are'
        )
    if not server.hosts:
        yield FieldError(f"{path}.hosts", 'is empty; "*" takes every host')
    for place, host in enumerate(server.hosts):
        namespace, slash, name = host.rpartition("/")
        wrong = wrong_host(name)
        if slash and namespace not in ("*", ".") and wrong_label(namespace):
            wrong = f'"{namespace[:80]}" is not a namespace, "." (the Gateway\'s own) or "*" (any)'
        if wrong:
            yield FieldError(f"{path}.hosts[{place}]", wrong)
