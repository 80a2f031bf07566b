"""The listeners of Gateways and of their ListenerSets: which are served, and why not. Pure.

Follows the specification's `Listener`. The listeners of one Gateway share its addresses; those of a port are served
together, and two that cannot be are reported as conflicts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mesh.resources.gateway_api.gateway_tls import INSECURE_FALLBACK
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.types import CLASS_NAME, CONTROLLERS, GROUP, OTHER_CLASS_NAMES, Gateway, Listener
from mesh.routing.gateway_api.references import ListenerOwner, Problem, References
from mesh.routing.world import World

HTTP_KINDS = ("HTTPRoute", "GRPCRoute")
# The protocols that are served: what a port speaks on the wire then, and the kinds of routes.
PROTOCOLS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "HTTP": ("plain HTTP", HTTP_KINDS),
    "HTTPS": ("TLS", HTTP_KINDS),
    "TLS": ("TLS", ("TLSRoute",)),
    "TCP": ("TCP", ("TCPRoute",)),
    "UDP": ("UDP", ("UDPRoute",)),
}
ANY = "*"
PASSTHROUGH = "Passthrough"


@dataclass(frozen=True, slots=True)
class ServedListener:
    """A listener with what is wrong with it. `kinds` are those of the routes that it takes, `credential` is its
    certificate with the key, in PEM.

    `invalid` is why it is not accepted although nothing else is in its way. Of clients that show a certificate,
    `authority` has who may have signed it; with `lets_anybody_in` others are let in, too.
    """

    gateway: Gateway
    listener: Listener
    listener_set: ListenerSet | None = None
    unsupported: Problem | None = None
    conflict: Problem | None = None
    invalid: Problem | None = None
    unresolved: Problem | None = None
    credential: tuple[str, str] | None = None
    authority: str = ""
    lets_anybody_in: bool = False
    kinds: tuple[str, ...] = HTTP_KINDS

    @property
    def owner(self) -> ListenerOwner:
        """The object that it stands in: its namespace counts for references and for routes of the same namespace."""
        return self.listener_set or self.gateway

    @property
    def not_accepted(self) -> Problem | None:
        return self.unsupported or self.conflict or self.invalid

    @property
    def is_served(self) -> bool:
        """Whether Envoy listens for it."""
        return self.not_accepted is None and (self.credential is not None or not self.terminates)

    @property
    def terminates(self) -> bool:
        """Whether TLS ends here."""
        tls = self.listener.tls
        return self.listener.protocol in ("HTTPS", "TLS") and (tls is None or tls.mode != PASSTHROUGH)

    @property
    def hostname(self) -> str:
        return self.listener.hostname.lower() or ANY

    @property
    def wire(self) -> str:
        """What its port speaks; "" for a protocol that is not supported."""
        return PROTOCOLS[self.listener.protocol][0] if self.listener.protocol in PROTOCOLS else ""

    @property
    def socket(self) -> tuple[bool, int]:
        """Whether it takes datagrams, and its port: TCP and UDP do not share ports."""
        return self.wire == "UDP", self.listener.port

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The kind, namespace and name of the object that it stands in, and its own name there."""
        return self.owner.kind, self.owner.metadata.namespace, self.owner.metadata.name, self.listener.name


def served_gateways(world: World) -> Sequence[Gateway]:
    """The Gateways whose class is ours, oldest first."""
    controllers = {
        gateway_class.metadata.name: gateway_class.spec.controller_name for gateway_class in world.gateway_classes
    }

    def is_ours(name: str) -> bool:
        # Our class names work without a GatewayClass object too, so that a Gateway alone is enough.
        return controllers[name] in CONTROLLERS if name in controllers else name in (CLASS_NAME, *OTHER_CLASS_NAMES)

    return [gateway for gateway in world.api_gateways if is_ours(gateway.spec.gateway_class_name)]


def served_listeners(
    gateway: Gateway, listener_sets: Sequence[ListenerSet], references: References
) -> Sequence[ServedListener]:
    """The listeners of a Gateway, then those of its ListenerSets, in the specification's order of precedence."""
    own = [_served(gateway, None, listener, references) for listener in gateway.spec.listeners]
    added = [
        _served(gateway, listener_set, listener, references)
        for listener_set in listener_sets
        for listener in listener_set.spec.listeners
    ]
    return list(_with_conflicts(own, added))


def _served(
    gateway: Gateway, listener_set: ListenerSet | None, listener: Listener, references: References
) -> ServedListener:
    served = ServedListener(gateway, listener, listener_set)
    if listener.protocol not in PROTOCOLS:
        message = f'protocol "{listener.protocol}" is not supported; use {" or ".join(PROTOCOLS)}'
        return replace(served, unsupported=Problem("UnsupportedProtocol", message), kinds=())
    kinds = PROTOCOLS[listener.protocol][1]
    served = replace(served, kinds=kinds)
    if listener.allowed_routes.kinds:
        allowed = [(kind.group, kind.kind) for kind in listener.allowed_routes.kinds]
        served = replace(served, kinds=tuple(kind for kind in kinds if (GROUP, kind) in allowed))
        if others := [kind for group, kind in allowed if group != GROUP or kind not in kinds]:
            message = (
                f"routes of kind {', '.join(others)} cannot attach to {listener.protocol}; use {' or '.join(kinds)}"
            )
            served = replace(served, unresolved=Problem("InvalidRouteKinds", message))
    if served.terminates and listener.tls is not None:
        served = _with_clients(_with_certificate(served, references), references)
    return served


def _with_certificate(served: ServedListener, references: References) -> ServedListener:
    """With the first certificate that can be used; the first problem is reported all the same."""
    assert served.listener.tls is not None
    for number, ref in enumerate(served.listener.tls.certificate_refs):
        problem = references.wrong_certificate(served.owner, ref)
        if problem is None:
            credential = references.certificate(served.owner, ref)
            served = replace(served, credential=served.credential or credential)
        elif served.unresolved is None:
            located = Problem(problem.reason, f"certificateRefs[{number}]: {problem.message}")
            served = replace(served, unresolved=located)
    return served


def _with_clients(served: ServedListener, references: References) -> ServedListener:
    """With the authorities of clients' certificates, where Gateway.spec.tls.frontend asks for any at this port."""
    frontend = served.gateway.spec.tls.frontend
    validation = frontend.of_port(served.listener.port) if frontend is not None else None
    if validation is None:
        return served
    authorities: list[str] = []
    namespace = served.gateway.metadata.namespace
    for number, ref in enumerate(validation.ca_certificate_refs):
        authority, problem = references.authority("Gateway", namespace, ref, "InvalidCACertificateKind")
        if problem is None:
            authorities.append(authority)
        elif served.unresolved is None:
            served = replace(
                served, unresolved=Problem(problem.reason, f"caCertificateRefs[{number}]: {problem.message}")
            )
    if not authorities:
        invalid = Problem("NoValidCACertificate", "no client's certificate could be checked")
        return replace(served, invalid=invalid)
    lets_anybody_in = validation.mode == INSECURE_FALLBACK
    return replace(served, authority="\n".join(authorities), lets_anybody_in=lets_anybody_in)


def _with_conflicts(own: Sequence[ServedListener], added: Sequence[ServedListener]) -> Iterator[ServedListener]:
    """Of one Gateway's own listeners, all that cannot be served together are in conflict. A ListenerSet's gives way to
    the Gateway's and to those of older ListenerSets."""
    wires: dict[tuple[bool, int], set[str]] = defaultdict(set)
    for served in own:
        if served.wire:
            wires[served.socket].add(served.wire)
    names = Counter((served.socket, served.hostname) for served in own if served.wire)
    for served in own:
        conflict = None
        if served.wire and len(wires[served.socket]) > 1:
            spoken = " and ".join(sorted(wires[served.socket]))
            message = f"port {served.listener.port} cannot speak {spoken} at the same time"
            conflict = Problem("ProtocolConflict", message)
        elif names[served.socket, served.hostname] > 1:
            message = f"two listeners of port {served.listener.port} are for {_named(served.hostname)}"
            conflict = Problem("HostnameConflict", message)
        yield replace(served, conflict=conflict)
    for served in added:
        conflict = None
        if served.wire:
            spoken = "".join(wires[served.socket] - {served.wire})
            if spoken:
                message = f"port {served.listener.port} speaks {spoken} in a listener that comes first"
                conflict = Problem("ProtocolConflict", message)
            elif names[served.socket, served.hostname]:
                message = f"a listener that comes first is for {_named(served.hostname)} at port {served.listener.port}"
                conflict = Problem("HostnameConflict", message)
            else:
                wires[served.socket].add(served.wire)
                names[served.socket, served.hostname] += 1
        yield replace(served, conflict=conflict)


def _named(hostname: str) -> str:
    return "every host" if hostname == ANY else hostname


def by_socket(
    listeners: Sequence[ServedListener], of: Callable[[ServedListener], bool] = lambda served: served.is_served
) -> Mapping[tuple[bool, int], Sequence[ServedListener]]:
    """The served listeners by their sockets."""
    sockets: dict[tuple[bool, int], list[ServedListener]] = defaultdict(list)
    for served in listeners:
        if of(served):
            sockets[served.socket].append(served)
    return dict(sorted(sockets.items()))
