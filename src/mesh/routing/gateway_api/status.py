"""The status of the Gateway API's objects: what is accepted, resolved, programmed and in conflict. Pure.

Types, reasons and shapes are the specification's (gateway.networking.k8s.io/v1, GatewayConditionType,
ListenerConditionType, RouteConditionType). Conditions come without lastTransitionTime, which `merged` keeps or sets.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.gateway_api.mesh import CONTROLLER as MESH_CONTROLLER
from mesh.resources.gateway_api.types import CONTROLLERS
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import merge_conditions
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.gateway_api.attachment import GatewayApi
from mesh.routing.gateway_api.conditions import condition
from mesh.routing.gateway_api.features import GATEWAY_FEATURES, MESH_FEATURES
from mesh.routing.gateway_api.gateway_status import gateway_status, listener_set_status, refused_set_status
from mesh.routing.gateway_api.policy_status import policy_status
from mesh.routing.gateway_api.route_status import route_status, ruled_hosts
from mesh.routing.world import MeshSettings, World


def statuses(world: World, settings: MeshSettings, refusals: Mapping[Ref, str]) -> Iterator[tuple[Ref, Body]]:
    """The status of each object that has one. `refusals` are the reasons of Envoy by the objects that they concern."""
    for gateway_class in world.gateway_classes:
        if gateway_class.spec.controller_name in CONTROLLERS:
            accepted = condition("Accepted", None, "Accepted", "the mesh serves Gateways of this class", gateway_class)
            yield ref_of(gateway_class), _with_features([accepted], GATEWAY_FEATURES)
    for mesh in world.meshes:
        if mesh.spec.controller_name == MESH_CONTROLLER:
            accepted = condition("Accepted", None, "Accepted", "this is the mesh that serves it", mesh)
            yield ref_of(mesh), _with_features([accepted], MESH_FEATURES)
    api = GatewayApi(world, settings)
    for served in api.gateways.values():
        ref = ref_of(served.gateway)
        yield ref, gateway_status(api, served, refusals.get(ref))
        for listener_set in api.listener_sets.by_gateway.get((ref.namespace, ref.name), ()):
            yield ref_of(listener_set), listener_set_status(api, served, listener_set, refusals.get(ref))
    for listener_set, problem in api.listener_sets.refused:
        yield ref_of(listener_set), refused_set_status(listener_set, problem)
    ruled = ruled_hosts(world)
    for route in api.routes:
        ref = ref_of(route)
        yield ref, route_status(route, api, refusals.get(ref), ruled)
    for policy in world.tls_policies:
        yield ref_of(policy), policy_status(policy, api)


def _with_features(conditions: Sequence[Body], features: Sequence[str]) -> Body:
    return {"conditions": conditions, "supportedFeatures": [{"name": name} for name in features]}


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
