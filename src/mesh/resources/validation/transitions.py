"""Fields that a Service's old type needed and its new one forbids: dropped where the user did not touch them.

A merge patch of `spec.type` alone leaves them in the object, which nobody could change without this
(pkg/registry/core/service/strategy.go, dropTypeDependentFields).
"""

import copy
from typing import Any

from mesh.resources.values.body import Body

WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


def without_fields_of_old_type(old: Body, new: Body) -> Body:
    """The new Service without those fields. It may be malformed: whatever is no map or list is left alone."""
    before, spec = old.get("spec"), new.get("spec")
    if not isinstance(before, dict) or not isinstance(spec, dict):
        return new
    body = {**new, "spec": copy.copy(spec)}
    kind_before, kind = before.get("type", "ClusterIP"), spec.get("type", "ClusterIP")
    spec = body["spec"]
    if kind == "ExternalName" != kind_before:
        _drop_same(before, spec, "clusterIPs", "clusterIP", "ipFamilies", "ipFamilyPolicy")
    if kind_before == "LoadBalancer" != kind:
        _drop_same(before, spec, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if _has_node_ports(before) and not _has_node_ports(spec) and _node_ports(before) == _node_ports(spec):
        spec["ports"] = [_without_node_port(port) for port in spec.get("ports") or []]
    if _is_checked(before) and not _is_checked(spec):
        _drop_same(before, spec, "healthCheckNodePort")
    if kind_before in WITH_NODE_PORTS and kind not in WITH_NODE_PORTS and not spec.get("externalIPs"):
        _drop_same(before, spec, "externalTrafficPolicy")
    return body


def _drop_same(before: Body, spec: Body, *names: str) -> None:
    for name in names:
        if name in spec and spec[name] == before.get(name):
            del spec[name]


def _has_node_ports(spec: Body) -> bool:
    """NodePorts of a load balancer that shall allocate none are not dropped: the user may have chosen them."""
    allocates = spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort" or (spec.get("type") == "LoadBalancer" and allocates)


def _is_checked(spec: Body) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _node_ports(spec: Body) -> list[Any]:
    ports = spec.get("ports")
    if not isinstance(ports, list):
        return []
    return [port.get("nodePort") if isinstance(port, dict) else None for port in ports]


def _without_node_port(port: Any) -> Any:
    return {name: value for name, value in port.items() if name != "nodePort"} if isinstance(port, dict) else port
