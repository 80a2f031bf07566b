"""Services of type LoadBalancer: their address, which is the machine's, and the ports that are served there.

What a cloud's controller does on a cluster. A port is served where it is free; where it is not, the status names the
port with an error, an Event says why, and the NodePort works all the same. Routing listens at the ports that the status
lists without an error (`Service.balanced_ports`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.service_follower import ServiceFollower
from mesh.reconcile.supervisor import Supervisor
from mesh.reconcile.writing import write_status
from mesh.resources.core.service import Service
from mesh.resources.values.body import Body
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import SERVICE, Ref
from mesh.store import Event, Store

# Kubernetes wants an error of a load balancer's port to be a word, with a domain where it is somebody's own.
PORT_IN_USE, WRONG_PROTOCOL = "meshmall.dev/PortInUse", "meshmall.dev/ProtocolNotServed"
# Seconds until a port that was in use is tried again.
RETRY = 10.0


class LoadBalancerController(ServiceFollower):
    """Follows the Services of one store and gives load balancers their address.

    `reserved` are ports of the address that are served already, each with what has it; `bind_problem` says why nothing
    can listen at a port of the address, "" when something can.
    """

    loop = "load balancers"

    def __init__(
        self,
        store: Store,
        address: str,
        reserved: Mapping[int, str],
        bind_problem: Callable[[int], str],
        events: Recorder,
        supervisor: Supervisor | None = None,
    ) -> None:
        super().__init__(store, supervisor)
        self._address = address
        self._reserved = reserved
        self._bind_problem = bind_problem
        self._events = events

    def _affected(self, event: Event) -> Iterable[Ref]:
        """A change may also have freed a port for which another Service waits."""
        return [event.object.ref, *self._waiting()] if event.object.ref.group_kind == SERVICE else ()

    def _waiting(self) -> Iterable[Ref]:
        for service in self._store.of(Service):
            places = service.status.load_balancer.ingress
            if any(port.error == PORT_IN_USE for place in places for port in place.ports):
                yield ref_of(service)

    def _reconcile(self, ref: Ref) -> None:
        stored = self._store.get(ref)
        if stored is None or not isinstance(service := stored.typed, Service):
            self._queue.forget(ref)
            return
        problems: dict[int, str] = {}
        balancer: Body = {}
        if service.spec.type == "LoadBalancer":
            taken = {**self._reserved, **self._served_by_others(ref)}
            problems = self._problems(service, taken)
            balancer = {"ingress": [self._ingress(service, problems)]}
        if (stored.body.get("status") or {}).get("loadBalancer", {}) == balancer:
            return
        write_status(self._store, ref, {**(stored.body.get("status") or {}), "loadBalancer": balancer})
        for port, why in problems.items():
            message = f"port {port} is not served at {self._address}: {why}"
            self._events.warning(stored, "LoadBalancerPortInUse", f"{message}{_node_port(service, port)}")

    def _served_by_others(self, ref: Ref) -> Mapping[int, str]:
        return {
            port: f"Service {service.metadata.namespace}/{service.metadata.name}"
            for service in self._store.of(Service)
            if (service.metadata.namespace, service.metadata.name) != (ref.namespace, ref.name)
            for port in service.balanced_ports
        }

    def _problems(self, service: Service, taken: Mapping[int, str]) -> dict[int, str]:
        """Why ports cannot be served, by their number. What Envoy listens at already is nobody else's."""
        own: Collection[int] = service.balanced_ports
        problems = {}
        for port in service.spec.ports:
            if port.protocol != "TCP":
                continue
            if owner := taken.get(port.port):
                problems[port.port] = f"{owner} has it"
            elif port.port not in own and (why := self._bind_problem(port.port)):
                problems[port.port] = why
        if problems:
            self._queue.add_after(ref_of(service), RETRY)
        return problems

    def _ingress(self, service: Service, problems: Mapping[int, str]) -> Body:
        ports = []
        for port in service.spec.ports:
            error = PORT_IN_USE if port.port in problems else "" if port.protocol == "TCP" else WRONG_PROTOCOL
            line: Body = {"port": port.port, "protocol": port.protocol}
            ports.append(line | {"error": error} if error else line)
        return {"ip": self._address, "ipMode": "VIP", "ports": ports}


def _node_port(service: Service, number: int) -> str:
    port = next((port.node_port for port in service.spec.ports if port.port == number), 0)
    return f"; use its NodePort {port}" if port else ""
