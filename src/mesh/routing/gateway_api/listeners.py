"""The listeners of Gateways: which are served, and why not. Pure.

Follows the specification's `Listener`. All Gateways share one address here, so the listeners of one port are served
together; two that cannot be are reported as conflicts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mesh.resources.gateway_api.types import CLASS_NAME, CONTROLLERS, GROUP, OTHER_CLASS_NAMES, Gateway, Listener
from mesh.resources.istio.gateway import Gateway as IstioGateway
from mesh.resources.istio.gateway import GatewaySpec, Port, Server, ServerTLSSettings
from mesh.resources.istio.ingress_gateway import SELECTOR
from mesh.routing.gateway_api.references import Problem, References
from mesh.routing.virtual_service.tls import is_encrypted
from mesh.routing.world import World

# The protocols that are served, with what a port speaks on the wire then.
PROTOCOLS = {"HTTP": "plain HTTP", "HTTPS": "TLS"}
KINDS = ("HTTPRoute", "GRPCRoute")
ANY = "*"


@dataclass(frozen=True, slots=True)
class ServedListener:
    """A listener with what is wrong with it. `kinds` are those of the routes that it takes, `credential` is the Secret
    ("namespace/name") of its certificate."""

    gateway: Gateway
    listener: Listener
    unsupported: Problem | None = None
    conflict: Problem | None = None
    unresolved: Problem | None = None
    credential: str = ""
    kinds: tuple[str, ...] = KINDS

    @property
    def is_served(self) -> bool:
        """Whether Envoy listens for it."""
        encrypted = self.listener.protocol == "HTTPS"
        return self.unsupported is None and self.conflict is None and bool(self.credential or not encrypted)

    @property
    def hostname(self) -> str:
        return self.listener.hostname.lower() or ANY

    @property
    def key(self) -> tuple[str, str, str]:
        """The namespace and name of the Gateway, and the listener's name there."""
        return self.gateway.metadata.namespace, self.gateway.metadata.name, self.listener.name


def served_listeners(world: World, references: References) -> Mapping[tuple[str, str], Sequence[ServedListener]]:
    """The listeners of each Gateway whose class is ours, by its namespace and name."""
    controllers = {
        gateway_class.metadata.name: gateway_class.spec.controller_name for gateway_class in world.gateway_classes
    }
    gateways: dict[tuple[str, str], Sequence[ServedListener]] = {}
    wires = _wires_of_istio(world)
    hostnames: set[tuple[int, str]] = set()
    for gateway in world.api_gateways:
        name = gateway.spec.gateway_class_name
        # Our class names work without a GatewayClass object too, so that a Gateway alone is enough.
        is_ours = controllers[name] in CONTROLLERS if name in controllers else name in (CLASS_NAME, *OTHER_CLASS_NAMES)
        if is_ours:
            listeners = [_served(gateway, listener, references) for listener in gateway.spec.listeners]
            listeners = _with_conflicts(listeners, wires, hostnames)
            gateways[gateway.metadata.namespace, gateway.metadata.name] = listeners
    return gateways


def _wires_of_istio(world: World) -> dict[int, str]:
    """What the ports of Istio's Gateways speak; the first Gateway of a port decides."""
    wires: dict[int, str] = {}
    for gateway in world.gateways:
        for server in gateway.spec.servers:
            protocol = "TLS" if is_encrypted(server) else server.port.protocol.upper()
            wires.setdefault(server.port.number, protocol if protocol in ("TLS", "TCP") else "plain HTTP")
    return wires


def _served(gateway: Gateway, listener: Listener, references: References) -> ServedListener:
    served = ServedListener(gateway, listener)
    if listener.protocol not in PROTOCOLS:
        message = f'protocol "{listener.protocol}" is not supported; use {" or ".join(PROTOCOLS)}'
        return replace(served, unsupported=Problem("UnsupportedProtocol", message), kinds=())
    if listener.allowed_routes.kinds:
        allowed = [(kind.group, kind.kind) for kind in listener.allowed_routes.kinds]
        served = replace(served, kinds=tuple(kind for kind in KINDS if (GROUP, kind) in allowed))
        if others := [kind for group, kind in allowed if group != GROUP or kind not in KINDS]:
            message = f"routes of kind {', '.join(others)} are not supported; use {' or '.join(KINDS)}"
            served = replace(served, unresolved=Problem("InvalidRouteKinds", message))
    if listener.protocol == "HTTPS" and listener.tls is not None:
        served = _with_certificate(served, references)
    return served


def _with_certificate(served: ServedListener, references: References) -> ServedListener:
    """With the first certificate that can be used; the first problem is reported all the same."""
    assert served.listener.tls is not None
    for number, ref in enumerate(served.listener.tls.certificate_refs):
        problem = references.wrong_certificate(served.gateway, ref)
        if problem is None:
            credential = f"{ref.namespace or served.gateway.metadata.namespace}/{ref.name}"
            served = replace(served, credential=served.credential or credential)
        elif served.unresolved is None:
            located = Problem(problem.reason, f"certificateRefs[{number}]: {problem.message}")
            served = replace(served, unresolved=located)
    return served


def _with_conflicts(
    listeners: Sequence[ServedListener], wires: dict[int, str], hostnames: set[tuple[int, str]]
) -> list[ServedListener]:
    """Those of one Gateway that cannot be served together are all in conflict; of two Gateways, the younger one's.

    `wires` and `hostnames` have what older Gateways serve, and get what this one does.
    """
    spoken: dict[int, set[str]] = defaultdict(set)
    for served in listeners:
        if served.unsupported is None:
            spoken[served.listener.port].add(PROTOCOLS[served.listener.protocol])
    checked = [replace(served, conflict=_conflict(served, spoken, wires, hostnames)) for served in listeners]
    hostnames.update((served.listener.port, served.hostname) for served in checked if served.conflict is None)
    return checked


def _conflict(
    served: ServedListener, spoken: Mapping[int, set[str]], wires: dict[int, str], hostnames: set[tuple[int, str]]
) -> Problem | None:
    if served.unsupported is not None:
        return None
    port, wire = served.listener.port, PROTOCOLS[served.listener.protocol]
    if len(spoken[port]) > 1:
        return Problem("ProtocolConflict", f"port {port} cannot speak plain HTTP and TLS at the same time")
    if wires.setdefault(port, wire) != wire:
        return Problem("ProtocolConflict", f"port {port} speaks {wires[port]} in an older Gateway")
    if wire == "TLS" and (port, served.hostname) in hostnames:
        message = f"an older Gateway has a certificate for {served.hostname} at port {port}"
        return Problem("HostnameConflict", message)
    return None


def as_istio(listeners: Sequence[ServedListener]) -> IstioGateway | None:
    """A Gateway's served listeners as Istio's Gateway, from which Envoy's listeners are made; None without any.

    It keeps its own apiVersion, kind and name, so that refusals and statuses go to the object that the user wrote.
    """
    servers = [_server(served) for served in listeners if served.is_served]
    if not servers:
        return None
    gateway = listeners[0].gateway
    return IstioGateway(
        api_version=gateway.api_version,
        kind=gateway.kind,
        metadata=gateway.metadata,
        spec=GatewaySpec(servers=servers, selector=dict(SELECTOR)),
    )


def is_gateway_api(gateway: IstioGateway) -> bool:
    """Whether this stands for a Gateway of the Gateway API, to which VirtualServices are not bound."""
    return gateway.api_version.startswith(GROUP)


def _server(served: ServedListener) -> Server:
    listener = served.listener
    tls = None
    if listener.protocol == "HTTPS":
        tls = ServerTLSSettings(mode="SIMPLE", credential_name=served.credential)
    port = Port(number=listener.port, protocol=listener.protocol, name=listener.name)
    return Server(port=port, hosts=[f"*/{served.hostname}"], tls=tls)
