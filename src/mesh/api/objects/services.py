"""The fields of a Service that the API server assigns, as Kubernetes does: ClusterIP, NodePorts and IP families."""

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mesh.api.interfaces import Allocator
from mesh.api.objects.node_ports import NodePorts, of_service
from mesh.pods.network.pools import API_ADDRESS, SERVICES
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import Ref

# The owner of an address that no Service needs to have for it to be taken.
RESERVED = {API_ADDRESS: "default/kubernetes"}


class ServiceFields:
    """Completes a Service, given the others that there would be after a change."""

    def __init__(self, allocator: Allocator, node_ports: NodePorts) -> None:
        self._allocator = allocator
        self._node_ports = node_ports

    def fill(self, ref: Ref, body: Body, old: Body | None, others: Iterable[Body]) -> list[FieldError]:
        """Sets what is missing in `body`; returns what is impossible."""
        spec = body["spec"]
        before = old["spec"] if old else {}
        others = list(others)
        body.setdefault("status", {"loadBalancer": {}})
        errors = []
        if spec.get("type") != "ExternalName":
            errors += self._address(ref, spec, before, others)
            spec["ipFamilies"] = ["IPv4"]
            spec.setdefault("ipFamilyPolicy", "SingleStack")
        if self._allocates(spec):
            errors += self._ports(ref, spec, before, others)
        if spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            errors += self._health_check(ref, spec, before, others)
        return errors

    def _address(self, ref: Ref, spec: Body, before: Body, others: Sequence[Body]) -> list[FieldError]:
        taken = RESERVED | {other["spec"].get("clusterIP", ""): _name(other) for other in others}
        chosen = spec.get("clusterIP") or before.get("clusterIP")
        if chosen is None:
            try:
                chosen = self._allocator.service_ip(taken.keys())
            except OSError as error:
                return [FieldError("spec.clusterIPs", str(error), ref)]
        spec["clusterIP"], spec["clusterIPs"] = chosen, [chosen]
        if chosen in ("None", before.get("clusterIP")):
            return []
        if chosen in taken:
            return [FieldError("spec.clusterIPs", f"{chosen} is taken by Service {taken[chosen]}", ref)]
        if not self._may_have(chosen):
            reason = f"{chosen} is not in the mesh's range of ClusterIPs; leave it out to get a free one"
            return [FieldError("spec.clusterIPs", reason, ref)]
        return []

    def _may_have(self, address: str) -> bool:
        """On loopback, too, a Service may have an address of a cluster's usual range: manifests name such. The next
        start gives it one that works."""
        return address in self._allocator or ipaddress.ip_address(address) in SERVICES

    def _allocates(self, spec: Body) -> bool:
        """A load balancer without NodePorts of its own choice may go without."""
        if spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
            return any(of_service({"spec": spec}))
        return spec.get("type") in ("NodePort", "LoadBalancer")

    def _ports(self, ref: Ref, spec: Body, before: Body, others: list[Body]) -> list[FieldError]:
        owners = {port: _name(other) for other in others for port in of_service(other)}
        own = set(of_service({"spec": before}))
        previous = {_identity(port): port.get("nodePort") for port in before.get("ports", ())}
        chosen = set(of_service({"spec": spec}))
        errors = []
        for number, port in enumerate(spec.get("ports", ())):
            path = f"spec.ports[{number}].nodePort"
            requested = port.get("nodePort")
            if not requested:
                if spec.get("allocateLoadBalancerNodePorts") is False:
                    continue
                inherited = previous.get(_identity(port))
                try:
                    port["nodePort"] = (
                        inherited
                        if inherited and inherited not in chosen
                        else self._node_ports.choose(f"{ref}/{number}", {*owners, *chosen})
                    )
                except OSError as error:
                    errors.append(FieldError(path, str(error), ref))
                    continue
                chosen.add(port["nodePort"])
            elif reason := self._unavailable(requested, own, owners):
                errors.append(FieldError(path, reason, ref))
        return errors

    def _health_check(self, ref: Ref, spec: Body, before: Body, others: Sequence[Body]) -> list[FieldError]:
        """The port at which a cloud's load balancer asks a node for its pods; chosen as on a cluster."""
        path = "spec.healthCheckNodePort"
        owners = {port: _name(other) for other in others for port in of_service(other)}
        requested = spec.get("healthCheckNodePort") or before.get("healthCheckNodePort")
        try:
            spec["healthCheckNodePort"] = requested or self._node_ports.choose(
                f"{ref}/health", {*owners, *of_service({"spec": spec})}
            )
        except OSError as error:
            return [FieldError(path, str(error), ref)]
        own = {before.get("healthCheckNodePort", 0)}
        reason = self._unavailable(spec["healthCheckNodePort"], own, owners)
        return [FieldError(path, reason, ref)] if reason else []

    def _unavailable(self, port: int, own: Collection[int], owners: Mapping[int, str]) -> str:
        if port in owners:
            return f"{port} is taken by Service {owners[port]}"
        reason = None if port in own else self._node_ports.unavailable(port)
        return f"{reason}; leave it out to get a free one" if reason else ""


def _name(service: Body) -> str:
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _identity(port: Body) -> tuple[Any, Any]:
    return port.get("port"), port.get("protocol", "TCP")
