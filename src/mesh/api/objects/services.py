"""The fields of a Service that the API server assigns, as Kubernetes does: ClusterIP and NodePorts."""

from collections.abc import Iterable
from typing import Any

from mesh.api.interfaces import Allocator
from mesh.api.objects.node_ports import NodePorts, of_service
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import Ref

WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


class ServiceFields:
    """Completes a Service, given the others that there would be after a change."""

    def __init__(self, allocator: Allocator, node_ports: NodePorts) -> None:
        self._allocator = allocator
        self._node_ports = node_ports

    def fill(self, ref: Ref, body: Body, old: Body | None, others: Iterable[Body]) -> list[FieldError]:
        """Sets clusterIP and nodePorts in `body` where they are missing; returns what is impossible."""
        spec = body["spec"]
        before = old["spec"] if old else {}
        others = list(others)
        errors = []
        if spec.get("type") != "ExternalName":
            try:
                self._address(spec, before, {other["spec"].get("clusterIP", "") for other in others})
            except OSError as error:
                errors.append(FieldError("spec.clusterIP", str(error), ref))
        if spec.get("type") in WITH_NODE_PORTS:
            errors += self._ports(ref, spec, before, others)
        else:
            for port in spec.get("ports", ()):
                port.pop("nodePort", None)
        return errors

    def _address(self, spec: Body, before: Body, taken: set[str]) -> None:
        if not spec.get("clusterIP"):
            spec["clusterIP"] = before.get("clusterIP") or self._allocator.service_ip(taken)
        spec["clusterIPs"] = [spec["clusterIP"]]

    def _ports(self, ref: Ref, spec: Body, before: Body, others: list[Body]) -> list[FieldError]:
        owners = {
            port: f"{other['metadata']['namespace']}/{other['metadata']['name']}"
            for other in others
            for port in of_service(other)
        }
        own = set(of_service({"spec": before}))
        previous = {_identity(port): port.get("nodePort") for port in before.get("ports", ())}
        chosen = set(of_service({"spec": spec}))
        errors = []
        for number, port in enumerate(spec.get("ports", ())):
            path = f"spec.ports[{number}].nodePort"
            requested = port.get("nodePort")
            if not requested:
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
            elif requested in owners:
                errors.append(FieldError(path, f"{requested} is taken by Service {owners[requested]}", ref))
            elif requested not in own and (reason := self._node_ports.unavailable(requested)):
                errors.append(FieldError(path, f"{reason}; leave it out to get a free one", ref))
        return errors


def _identity(port: Body) -> tuple[Any, Any]:
    return port.get("port"), port.get("protocol", "TCP")
