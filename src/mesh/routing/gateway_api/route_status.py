"""The status of routes: whether each parent takes them, and whether what they refer to can be used. Pure."""

from collections.abc import Mapping

from mesh.resources.gateway_api.types import CONTROLLER, BackendObjectReference, ParentReference
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import resolve, service_host
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import SERVICE, Ref
from mesh.routing.gateway_api.attachment import Attachment, GatewayApi
from mesh.routing.gateway_api.conditions import condition
from mesh.routing.gateway_api.references import AnyRoute, HttpRoute, Problem, http_rules, parent_key, rules_of
from mesh.routing.virtual_service.place import MESH
from mesh.routing.world import World


def route_status(route: AnyRoute, api: GatewayApi, refusal: str | None, ruled: Mapping[str, Ref]) -> Body:
    """`refusal` is why Envoy does not have the route, `ruled` the hosts that VirtualServices are for."""
    return {"parents": [_parent(route, attachment, api, refusal, ruled) for attachment in api.attachments(route)]}


def _parent(
    route: AnyRoute, attachment: Attachment, api: GatewayApi, refusal: str | None, ruled: Mapping[str, Ref]
) -> Body:
    parent, problem = attachment
    conditions = [
        condition("Accepted", problem, "Accepted", "the route is attached", route),
        condition("ResolvedRefs", _unresolved(route, api), "ResolvedRefs", "all references are resolved", route),
    ]
    if refusal is not None:
        conditions.append(condition("Programmed", Problem("Invalid", f"Envoy refused it: {refusal}"), "", "", route))
    if (parent.group, parent.kind) == SERVICE:
        namespace, name = parent_key(route, parent)
        other = ruled.get(service_host(name, namespace))
        message = f"{other} is for the same Service, and its routes come first"
        conflict = Problem("VirtualServiceComesFirst", message) if other is not None else None
        conditions.append(
            condition("Conflicted", conflict, "NoConflicts", "no other rule is for this Service", route, good=False)
        )
    return {"parentRef": _parent_ref(parent), "controllerName": CONTROLLER, "conditions": conditions}


def _parent_ref(parent: ParentReference) -> Body:
    """The parentRef as the user wrote it: its status is found by it. The group of a Service is empty, and stays."""
    ref: Body = {"group": parent.group, "kind": parent.kind, "namespace": parent.namespace, "name": parent.name}
    ref |= {"sectionName": parent.section_name, "port": parent.port}
    return {key: value for key, value in ref.items() if value or key == "group"}


def _unresolved(route: AnyRoute, api: GatewayApi) -> Problem | None:
    """The first reference of a route that cannot be used."""
    refs: list[tuple[str, BackendObjectReference]] = [
        (f"spec.rules[{number}].backendRefs[{index}]", ref)
        for number, rule in enumerate(rules_of(route))
        for index, ref in enumerate(rule.backend_refs)
    ]
    refs += [
        (f"spec.rules[{number}].filters[{index}].requestMirror.backendRef", filter_.request_mirror.backend_ref)
        for number, http_rule in enumerate(http_rules(route) if isinstance(route, HttpRoute) else ())
        for index, filter_ in enumerate(http_rule.filters)
        if filter_.request_mirror is not None
    ]
    problems = ((path, api.references.wrong_backend(route, ref)) for path, ref in refs)
    return next(
        (Problem(problem.reason, f"{path}: {problem.message}") for path, problem in problems if problem is not None),
        None,
    )


def ruled_hosts(world: World) -> Mapping[str, Ref]:
    """The hosts that VirtualServices are for in the mesh, by the oldest of them."""
    hosts: dict[str, Ref] = {}
    for rule in world.virtual_services:
        if not rule.spec.gateways or MESH in rule.spec.gateways:
            for host in rule.spec.hosts:
                hosts.setdefault(resolve(host, rule.metadata.namespace), ref_of(rule))
    return hosts
