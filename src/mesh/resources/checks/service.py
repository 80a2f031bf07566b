"""What a Service can get wrong by itself, and what may not change in it."""

import ipaddress
from collections.abc import Iterator

from mesh.resources.core.service import Service, ServicePort, ServiceSpec
from mesh.resources.values.names import PORT_NAME, wrong_label, wrong_labels, wrong_port
from mesh.resources.values.problems import FieldError, meant

NODE_PORTS = range(30000, 32768)
TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
Errors = Iterator[FieldError]


def check_service(service: Service) -> Errors:
    """Everything wrong with a Service by itself."""
    spec = service.spec
    if spec.type not in TYPES:
        yield FieldError("spec.type", f'"{spec.type}" is not a type of Service{meant(spec.type, TYPES)}')
    elif spec.type == "ExternalName" and not spec.external_name:
        yield FieldError("spec.externalName", "is missing; a Service of type ExternalName stands for another name")
    if not spec.ports and spec.type != "ExternalName" and spec.cluster_ip != "None":
        yield FieldError("spec.ports", "is empty; a Service needs at least one port")
    yield from (FieldError(f"spec.selector[{key}]", why) for key, why in wrong_labels(spec.selector))
    yield from _ports(spec)
    if spec.session_affinity not in ("None", "ClientIP"):
        yield FieldError("spec.sessionAffinity", f'"{spec.session_affinity}" is neither None nor ClientIP')
    if spec.cluster_ip and spec.cluster_ip != "None":
        try:
            ipaddress.ip_address(spec.cluster_ip)
        except ValueError:
            yield FieldError("spec.clusterIP", f'"{spec.cluster_ip[:80]}" is neither an address nor "None"')


def check_service_update(old: Service, new: Service) -> Errors:
    """The ClusterIP stays, since clients may have resolved it; an ExternalName has none."""
    if (
        new.spec.cluster_ip
        and old.spec.cluster_ip != new.spec.cluster_ip
        and "ExternalName" not in (old.spec.type, new.spec.type)
    ):
        yield FieldError("spec.clusterIP", f'cannot be changed; it is "{old.spec.cluster_ip}"')


def _ports(spec: ServiceSpec) -> Errors:
    names: set[str] = set()
    node_ports: set[int] = set()
    numbers: set[tuple[int, str]] = set()
    for place, port in enumerate(spec.ports):
        path = f"spec.ports[{place}]"
        yield from _port(port, path, several=len(spec.ports) > 1)
        if port.name and port.name in names:
            yield FieldError(f"{path}.name", f'duplicate "{port.name}"')
        names.add(port.name)
        if (port.port, port.protocol) in numbers:
            yield FieldError(f"{path}.port", f"duplicate {port.port}/{port.protocol}")
        numbers.add((port.port, port.protocol))
        if port.node_port:
            if spec.type not in ("NodePort", "LoadBalancer"):
                yield FieldError(f"{path}.nodePort", f"needs type NodePort; the type is {spec.type}")
            if port.node_port not in NODE_PORTS:
                yield FieldError(f"{path}.nodePort", f"{port.node_port} is not in 30000-32767")
            if port.node_port in node_ports:
                yield FieldError(f"{path}.nodePort", f"duplicate {port.node_port}")
            node_ports.add(port.node_port)


def _port(port: ServicePort, path: str, *, several: bool) -> Errors:
    if several and not port.name:
        yield FieldError(f"{path}.name", "is missing; ports need names where there are several")
    elif port.name and (wrong := wrong_label(port.name)):
        yield FieldError(f"{path}.name", wrong)
    if wrong := wrong_port(port.port):
        yield FieldError(f"{path}.port", wrong)
    target = port.target_port
    if isinstance(target, int) and (wrong := wrong_port(target)):
        yield FieldError(f"{path}.targetPort", wrong)
    if isinstance(target, str) and not PORT_NAME.fullmatch(target):
        yield FieldError(f"{path}.targetPort", f'"{target}" is neither a port nor the name of a container\'s port')
    if port.protocol != "TCP":
        yield FieldError(f"{path}.protocol", f'"{port.protocol}" is not supported by this mesh; use TCP')
