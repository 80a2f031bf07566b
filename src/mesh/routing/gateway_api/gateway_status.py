"""The status of Gateways and ListenerSets, with that of their listeners. Pure."""

from collections.abc import Iterable, Sequence

from mesh.resources.gateway_api.gateway_tls import INSECURE_FALLBACK
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.types import GROUP, Gateway
from mesh.resources.values.body import Body
from mesh.routing.gateway_api.attachment import GatewayApi, ServedGateway
from mesh.routing.gateway_api.conditions import condition
from mesh.routing.gateway_api.listeners import ServedListener
from mesh.routing.gateway_api.references import Problem


def gateway_status(api: GatewayApi, served: ServedGateway, refusal: str | None) -> Body:
    """`refusal` is why Envoy does not have the Gateway as it stands."""
    gateway, place = served.gateway, served.placement
    own = [listener for listener in served.listeners if listener.listener_set is None]
    accepted = _accepted(served, own)
    problem = _not_programmed(served, refusal)
    ports = sorted({place.port(listener.listener.port) for listener in served.served})
    where = ", ".join(f"{address}:{port}" for address in place.addresses for port in ports)
    conditions = [accepted, condition("Programmed", problem, "Programmed", f"Envoy listens at {where}", gateway)]
    sets = api.listener_sets.by_gateway.get((gateway.metadata.namespace, gateway.metadata.name), ())
    attached = [listener_set for listener_set in sets if _is_served(api, listener_set)]
    return {
        "addresses": [{"type": "IPAddress", "value": address} for address in place.addresses],
        "conditions": [*conditions, *_tls_conditions(api, gateway)],
        "listeners": [_listener(api, served, listener, problem) for listener in own],
        "attachedListenerSets": len(attached),
    }


def listener_set_status(api: GatewayApi, served: ServedGateway, listener_set: ListenerSet, refusal: str | None) -> Body:
    """That of a ListenerSet which its Gateway allows."""
    listeners = api.set_listeners(listener_set)
    problem = _not_programmed(served, refusal)
    not_valid = _names(listener for listener in listeners if not listener.is_served)
    invalid = Problem("ListenersNotValid", f"these listeners have problems: {not_valid}")
    unserved = None if _is_served(api, listener_set) else invalid
    accepted = condition("Accepted", unserved, "Accepted", "the Gateway serves its listeners", listener_set)
    if not_valid and unserved is None:
        accepted |= {"reason": invalid.reason, "message": invalid.message}
    programmed = condition("Programmed", unserved or problem, "Programmed", "Envoy listens for it", listener_set)
    return {
        "conditions": [accepted, programmed],
        "listeners": [_listener(api, served, listener, problem) for listener in listeners],
    }


def refused_set_status(listener_set: ListenerSet, problem: Problem) -> Body:
    """That of a ListenerSet which its Gateway does not allow."""
    return {"conditions": [condition(type_, problem, "", "", listener_set) for type_ in ("Accepted", "Programmed")]}


def _accepted(served: ServedGateway, own: Sequence[ServedListener]) -> Body:
    accepted = condition("Accepted", served.problem, "Accepted", "the mesh serves it", served.gateway)
    not_valid = _names(listener for listener in own if not listener.is_served or listener.unresolved is not None)
    if served.problem is None and not_valid:
        accepted |= {"reason": "ListenersNotValid", "message": f"these listeners have problems: {not_valid}"}
        accepted["status"] = "True" if any(listener.is_served for listener in own) else "False"
    return accepted


def _not_programmed(served: ServedGateway, refusal: str | None) -> Problem | None:
    if served.problem is not None:
        return Problem("Invalid", served.problem.message)
    if served.placement.unusable is not None:
        return served.placement.unusable
    if not any(listener.is_served for listener in served.listeners):
        return Problem("Invalid", "none of its listeners is served")
    return Problem("Invalid", f"Envoy refused it: {refusal}") if refusal is not None else None


def _tls_conditions(api: GatewayApi, gateway: Gateway) -> list[Body]:
    """What is only there for a Gateway with spec.tls."""
    conditions = []
    if (ref := gateway.spec.tls.backend.client_certificate_ref) is not None:
        problem = api.references.wrong_certificate(gateway, ref, "InvalidClientCertificateRef")
        conditions.append(condition("ResolvedRefs", problem, "ResolvedRefs", "all references are resolved", gateway))
    frontend = gateway.spec.tls.frontend
    if frontend is not None:
        configs = (frontend.default, *(entry.tls for entry in frontend.per_port))
        if any(config.validation and config.validation.mode == INSECURE_FALLBACK for config in configs):
            message = "clients are let in without a valid certificate"
            conditions.append(
                condition("InsecureFrontendValidationMode", None, "ConfigurationChanged", message, gateway)
            )
    return conditions


def _listener(api: GatewayApi, served: ServedGateway, listener: ServedListener, problem: Problem | None) -> Body:
    """`problem` is the Gateway's; a listener that is not served has one of its own."""
    owner, place = listener.owner, served.placement
    if not listener.is_served:
        cause = listener.not_accepted or listener.unresolved
        reason = listener.conflict.reason if listener.conflict is not None else "Invalid"
        problem = Problem(reason, cause.message if cause is not None else "it is not served")
    where = ", ".join(f"{address}:{place.port(listener.listener.port)}" for address in place.addresses)
    unresolved, conflict = listener.unresolved, listener.conflict
    return {
        "name": listener.listener.name,
        "supportedKinds": [{"group": GROUP, "kind": kind} for kind in listener.kinds],
        "attachedRoutes": len(api.bound_routes(listener)),
        "conditions": [
            condition("Accepted", listener.not_accepted, "Accepted", "the mesh serves it", owner),
            condition("Programmed", problem, "Programmed", f"Envoy listens at {where}", owner),
            condition("ResolvedRefs", unresolved, "ResolvedRefs", "all references are resolved", owner),
            condition("Conflicted", conflict, "NoConflicts", "no other listener conflicts with it", owner, good=False),
        ],
    }


def _is_served(api: GatewayApi, listener_set: ListenerSet) -> bool:
    return any(listener.is_served for listener in api.set_listeners(listener_set))


def _names(listeners: Iterable[ServedListener]) -> str:
    return ", ".join(listener.listener.name for listener in listeners)
