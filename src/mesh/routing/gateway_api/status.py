"""The status of the Gateway API's objects: what is accepted, resolved, programmed and in conflict. Pure.

Types, reasons and shapes are the specification's (gateway.networking.k8s.io/v1, GatewayConditionType,
ListenerConditionType, RouteConditionType). Conditions come without lastTransitionTime, which `merged` keeps or sets.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.gateway_api.types import CONTROLLER, CONTROLLERS, GROUP, BackendObjectReference, ParentReference
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import resolve, service_host
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import SERVICE, Ref
from mesh.routing.gateway_api.attachment import AnyRoute, Attachment, GatewayApi, Problem, Served, rules_of
from mesh.routing.world import MeshSettings, World

LONGEST = 2_000
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
    """The status of each object that has one. `refusals` say what Envoy does not have as it stands."""
    for each in world.gateway_classes:
        if each.spec.controller_name in CONTROLLERS:
            features = [{"name": name} for name in FEATURES]
            accepted = _condition("Accepted", None, "Accepted", "the mesh serves Gateways of this class", each)
            yield ref_of(each), {"conditions": [accepted], "supportedFeatures": features}
    api = GatewayApi(world)
    attached = api.attached
    for listeners in api.gateways.values():
        ref = ref_of(listeners[0].gateway)
        yield ref, _gateway(listeners, settings, refusals.get(ref))
    ruled = _ruled(world)
    for route in api.routes:
        ref = ref_of(route)
        parents = attached[route.kind, route.metadata.namespace, route.metadata.name]
        yield ref, {"parents": [_parent(route, each, api, refusals.get(ref), ruled) for each in parents]}


def merged(before: Any, wanted: Any, now: str) -> Any:
    """A status with the times of its conditions: those of conditions that did not turn are kept."""
    if isinstance(wanted, dict):
        held = before if isinstance(before, dict) else {}
        made = {key: merged(held.get(key), value, now) for key, value in wanted.items()}
        if "type" in wanted and "reason" in wanted:
            same = held.get("status") == wanted["status"] and held.get("lastTransitionTime")
            made["lastTransitionTime"] = held["lastTransitionTime"] if same else now
        return made
    if isinstance(wanted, list):
        held_items = before if isinstance(before, list) else []
        return [merged(_counterpart(each, number, held_items), each, now) for number, each in enumerate(wanted)]
    return wanted


def _counterpart(wanted: Any, number: int, held: Sequence[Any]) -> Any:
    """The former state of an item: by its type, name or parentRef; else by its place."""
    for key in ("type", "name", "parentRef"):
        if isinstance(wanted, dict) and key in wanted:
            return next((each for each in held if isinstance(each, dict) and each.get(key) == wanted[key]), None)
    return held[number] if number < len(held) else None


def _condition(type_: str, problem: Problem | None, reason: str, message: str, of: Any, *, good: bool = True) -> Body:
    """A condition that is as it should be (`good`) unless there is a problem."""
    return {
        "type": type_,
        "status": "True" if good is (problem is None) else "False",
        "reason": problem.reason if problem is not None else reason,
        "message": (problem.message if problem is not None else message)[:LONGEST],
        "observedGeneration": of.metadata.generation,
    }


def _gateway(listeners: Sequence[Served], settings: MeshSettings, refusal: str | None) -> Body:
    gateway = listeners[0].gateway
    wrong = [each for each in listeners if not each.is_served or each.unresolved is not None]
    served = [each for each in listeners if each.is_served]
    accepted = _condition("Accepted", None, "Accepted", "the mesh serves it", gateway)
    if wrong:
        named = ", ".join(each.listener.name for each in wrong)
        accepted |= {"reason": "ListenersNotValid", "message": f"not as they should be: {named}"}
        accepted["status"] = "True" if served else "False"
    problem = Problem("Invalid", f"Envoy refused it: {refusal}") if refusal is not None else None
    if not served:
        problem = Problem("Invalid", "none of its listeners is served")
    places = sorted({settings.ports.get(each.listener.port, each.listener.port) for each in served})
    where = ", ".join(f"{settings.gateway_address}:{port}" for port in places)
    programmed = _condition("Programmed", problem, "Programmed", f"Envoy listens at {where}", gateway)
    return {
        "addresses": [{"type": "IPAddress", "value": settings.gateway_address}],
        "conditions": [accepted, programmed],
        "listeners": [_listener(each, settings, problem) for each in listeners],
    }


def _listener(each: Served, settings: MeshSettings, refused: Problem | None) -> Body:
    gateway, port = each.gateway, each.listener.port
    problem = refused
    if not each.is_served:
        why = each.unsupported or each.conflict or each.unresolved
        problem = Problem("Invalid", why.message if why is not None else "it is not served")
    where = f"{settings.gateway_address}:{settings.ports.get(port, port)}"
    return {
        "name": each.listener.name,
        "supportedKinds": [{"group": GROUP, "kind": kind} for kind in each.kinds],
        "attachedRoutes": len(each.routes),
        "conditions": [
            _condition("Accepted", each.unsupported or each.conflict, "Accepted", "the mesh serves it", gateway),
            _condition("Programmed", problem, "Programmed", f"Envoy listens at {where}", gateway),
            _condition("ResolvedRefs", each.unresolved, "ResolvedRefs", "all that it names is there", gateway),
            _condition(
                "Conflicted", each.conflict, "NoConflicts", "no other listener is in its way", gateway, good=False
            ),
        ],
    }


def _parent(
    route: AnyRoute, attachment: Attachment, api: GatewayApi, refusal: str | None, ruled: Mapping[str, Ref]
) -> Body:
    parent, problem = attachment
    conditions = [
        _condition("Accepted", problem, "Accepted", "it is attached", route),
        _condition("ResolvedRefs", _unresolved(route, api), "ResolvedRefs", "all that it names is there", route),
    ]
    if refusal is not None:
        conditions.append(_condition("Programmed", Problem("Invalid", f"Envoy refused it: {refusal}"), "", "", route))
    if (parent.group, parent.kind) == SERVICE:
        other = ruled.get(service_host(parent.name, parent.namespace or route.metadata.namespace))
        said = f"{other} is for the same Service, and its routes come first"
        conflict = Problem("VirtualServiceComesFirst", said) if other is not None else None
        conditions.append(
            _condition("Conflicted", conflict, "NoConflicts", "no other rule is for the same", route, good=False)
        )
    return {"parentRef": _said(parent), "controllerName": CONTROLLER, "conditions": conditions}


def _said(parent: ParentReference) -> Body:
    told: Body = {"group": parent.group, "kind": parent.kind, "namespace": parent.namespace, "name": parent.name}
    told |= {"sectionName": parent.section_name, "port": parent.port}
    return {key: value for key, value in told.items() if value or key == "group"}


def _unresolved(route: AnyRoute, api: GatewayApi) -> Problem | None:
    """The first thing that a route names and that cannot be used."""
    for number, rule in enumerate(rules_of(route)):
        named: list[tuple[str, BackendObjectReference]] = [
            (f"spec.rules[{number}].backendRefs[{place}]", ref) for place, ref in enumerate(rule.backend_refs)
        ]
        for place, each in enumerate(rule.filters):
            if each.request_mirror is not None:
                path = f"spec.rules[{number}].filters[{place}].requestMirror.backendRef"
                named.append((path, each.request_mirror.backend_ref))
        for path, ref in named:
            if (problem := api.wrong_backend(route, ref)) is not None:
                return Problem(problem.reason, f"{path}: {problem.message}")
    return None


def _ruled(world: World) -> Mapping[str, Ref]:
    """The hosts that VirtualServices are for in the mesh, by the oldest of them."""
    found: dict[str, Ref] = {}
    for rule in world.virtual_services:
        if not rule.spec.gateways or "mesh" in rule.spec.gateways:
            for host in rule.spec.hosts:
                found.setdefault(resolve(host, rule.metadata.namespace), ref_of(rule))
    return found
