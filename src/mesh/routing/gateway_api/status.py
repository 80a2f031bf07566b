"""The status of the Gateway API's objects: what is accepted, resolved, programmed and in conflict. Pure.

Types, reasons and shapes are the specification's (gateway.networking.k8s.io/v1, GatewayConditionType,
ListenerConditionType, RouteConditionType). Conditions come without lastTransitionTime, which `merged` keeps or sets.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.gateway_api.types import CONTROLLER, CONTROLLERS, GROUP, BackendObjectReference, ParentReference
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import merge_conditions
from mesh.resources.values.hosts import resolve, service_host
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import SERVICE, Ref
from mesh.routing.gateway_api.attachment import Attachment, GatewayApi
from mesh.routing.gateway_api.listeners import ServedListener
from mesh.routing.gateway_api.references import AnyRoute, Problem, rules_of
from mesh.routing.virtual_service.place import MESH
from mesh.routing.world import MeshSettings, World

MAX_MESSAGE = 2_000
# What `supportedFeatures` of a GatewayClass may name, as far as the mesh has it.
FEATURES = (
    "GRPCRoute", "Gateway", "GatewayHTTPListenerIsolation", "HTTPRoute",
    "HTTPRouteBackendRequestHeaderModification", "HTTPRouteBackendTimeout", "HTTPRouteCORS",
    "HTTPRouteHostRewrite", "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule", "HTTPRouteParentRefPort", "HTTPRoutePathRedirect", "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect", "HTTPRouteQueryParamMatching", "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors", "HTTPRouteRequestPercentageMirror", "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification", "HTTPRouteSchemeRedirect", "Mesh", "MeshConsumerRoute", "ReferenceGrant",
)  # fmt: skip


def statuses(world: World, settings: MeshSettings, refusals: Mapping[Ref, str]) -> Iterator[tuple[Ref, Body]]:
    """The status of each object that has one. `refusals` are the reasons of Envoy by the objects that they concern."""
    for gateway_class in world.gateway_classes:
        if gateway_class.spec.controller_name in CONTROLLERS:
            features = [{"name": name} for name in FEATURES]
            accepted = _condition("Accepted", None, "Accepted", "the mesh serves Gateways of this class", gateway_class)
            yield ref_of(gateway_class), {"conditions": [accepted], "supportedFeatures": features}
    api = GatewayApi(world)
    for listeners in api.gateways.values():
        ref = ref_of(listeners[0].gateway)
        yield ref, _gateway(api, listeners, settings, refusals.get(ref))
    ruled = _ruled_hosts(world)
    for route in api.routes:
        ref = ref_of(route)
        parents = [_parent(route, attachment, api, refusals.get(ref), ruled) for attachment in api.attachments(route)]
        yield ref, {"parents": parents}


def merged(before: Any, desired: Any, now: str) -> Any:
    """A status with the times of its conditions: conditions whose status is as before keep theirs."""
    if isinstance(desired, dict):
        former = before if isinstance(before, dict) else {}
        # A condition that is not desired any more goes: a route's Programmed is there only while Envoy refuses it.
        return {
            key: merge_conditions(former.get(key), value, now, keep_others=False)
            if key == "conditions"
            else merged(former.get(key), value, now)
            for key, value in desired.items()
        }
    if isinstance(desired, list):
        items = before if isinstance(before, list) else []
        return [merged(_counterpart(item, number, items), item, now) for number, item in enumerate(desired)]
    return desired


def _counterpart(desired: Any, number: int, items: Sequence[Any]) -> Any:
    """The former state of an item: by its name or parentRef; else by its index."""
    for key in ("name", "parentRef"):
        if isinstance(desired, dict) and key in desired:
            return next((item for item in items if isinstance(item, dict) and item.get(key) == desired[key]), None)
    return items[number] if number < len(items) else None


def _condition(type_: str, problem: Problem | None, reason: str, message: str, of: Any, *, good: bool = True) -> Body:
    """A condition whose status is `good` unless there is a problem."""
    return {
        "type": type_,
        "status": "True" if good is (problem is None) else "False",
        "reason": problem.reason if problem is not None else reason,
        "message": (problem.message if problem is not None else message)[:MAX_MESSAGE],
        "observedGeneration": of.metadata.generation,
    }


def _gateway(api: GatewayApi, listeners: Sequence[ServedListener], settings: MeshSettings, refusal: str | None) -> Body:
    gateway = listeners[0].gateway
    invalid = [listener for listener in listeners if not listener.is_served or listener.unresolved is not None]
    served = [listener for listener in listeners if listener.is_served]
    accepted = _condition("Accepted", None, "Accepted", "the mesh serves it", gateway)
    if invalid:
        names = ", ".join(listener.listener.name for listener in invalid)
        accepted |= {"reason": "ListenersNotValid", "message": f"these listeners have problems: {names}"}
        accepted["status"] = "True" if served else "False"
    problem = Problem("Invalid", f"Envoy refused it: {refusal}") if refusal is not None else None
    if not served:
        problem = Problem("Invalid", "none of its listeners is served")
    ports = sorted({settings.ports.get(port, port) for port in (item.listener.port for item in served)})
    addresses = ", ".join(f"{settings.gateway_address}:{port}" for port in ports)
    programmed = _condition("Programmed", problem, "Programmed", f"Envoy listens at {addresses}", gateway)
    return {
        "addresses": [{"type": "IPAddress", "value": settings.gateway_address}],
        "conditions": [accepted, programmed],
        "listeners": [_listener(api, listener, settings, problem) for listener in listeners],
    }


def _listener(api: GatewayApi, served: ServedListener, settings: MeshSettings, problem: Problem | None) -> Body:
    """`problem` is the Gateway's; a listener that is not served has one of its own."""
    gateway, port = served.gateway, served.listener.port
    if not served.is_served:
        cause = served.unsupported or served.conflict or served.unresolved
        problem = Problem("Invalid", cause.message if cause is not None else "it is not served")
    address = f"{settings.gateway_address}:{settings.ports.get(port, port)}"
    return {
        "name": served.listener.name,
        "supportedKinds": [{"group": GROUP, "kind": kind} for kind in served.kinds],
        "attachedRoutes": len(api.bound_routes(served)),
        "conditions": [
            _condition("Accepted", served.unsupported or served.conflict, "Accepted", "the mesh serves it", gateway),
            _condition("Programmed", problem, "Programmed", f"Envoy listens at {address}", gateway),
            _condition("ResolvedRefs", served.unresolved, "ResolvedRefs", "all references are resolved", gateway),
            _condition(
                "Conflicted", served.conflict, "NoConflicts", "no other listener conflicts with it", gateway, good=False
            ),
        ],
    }


def _parent(
    route: AnyRoute, attachment: Attachment, api: GatewayApi, refusal: str | None, ruled: Mapping[str, Ref]
) -> Body:
    parent, problem = attachment
    conditions = [
        _condition("Accepted", problem, "Accepted", "the route is attached", route),
        _condition("ResolvedRefs", _unresolved(route, api), "ResolvedRefs", "all references are resolved", route),
    ]
    if refusal is not None:
        conditions.append(_condition("Programmed", Problem("Invalid", f"Envoy refused it: {refusal}"), "", "", route))
    if (parent.group, parent.kind) == SERVICE:
        other = ruled.get(service_host(parent.name, parent.namespace or route.metadata.namespace))
        message = f"{other} is for the same Service, and its routes come first"
        conflict = Problem("VirtualServiceComesFirst", message) if other is not None else None
        conditions.append(
            _condition("Conflicted", conflict, "NoConflicts", "no other rule is for this Service", route, good=False)
        )
    return {"parentRef": _parent_ref(parent), "controllerName": CONTROLLER, "conditions": conditions}


def _parent_ref(parent: ParentReference) -> Body:
    """The parentRef as the user wrote it: its status is found by it. The group of a Service is empty, and stays."""
    ref: Body = {"group": parent.group, "kind": parent.kind, "namespace": parent.namespace, "name": parent.name}
    ref |= {"sectionName": parent.section_name, "port": parent.port}
    return {key: value for key, value in ref.items() if value or key == "group"}


def _unresolved(route: AnyRoute, api: GatewayApi) -> Problem | None:
    """The first reference of a route that cannot be used."""
    for number, rule in enumerate(rules_of(route)):
        refs: list[tuple[str, BackendObjectReference]] = [
            (f"spec.rules[{number}].backendRefs[{index}]", ref) for index, ref in enumerate(rule.backend_refs)
        ]
        for index, filter_ in enumerate(rule.filters):
            if filter_.request_mirror is not None:
                path = f"spec.rules[{number}].filters[{index}].requestMirror.backendRef"
                refs.append((path, filter_.request_mirror.backend_ref))
        for path, ref in refs:
            if (problem := api.references.wrong_backend(route, ref)) is not None:
                return Problem(problem.reason, f"{path}: {problem.message}")
    return None


def _ruled_hosts(world: World) -> Mapping[str, Ref]:
    """The hosts that VirtualServices are for in the mesh, by the oldest of them."""
    hosts: dict[str, Ref] = {}
    for rule in world.virtual_services:
        if not rule.spec.gateways or MESH in rule.spec.gateways:
            for host in rule.spec.hosts:
                hosts.setdefault(resolve(host, rule.metadata.namespace), ref_of(rule))
    return hosts
