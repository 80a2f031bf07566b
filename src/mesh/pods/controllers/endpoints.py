"""Endpoints and EndpointSlices: the pods of each Service, for kubectl and other tools to read.

Envoy does not get its endpoints from here: routing derives them from the same Services and pods. It reads only what
somebody has written for a Service without a selector: EndpointSlices, and Endpoints by way of the EndpointSlices that
they are copied to (Kubernetes, "EndpointSlice mirroring").
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from mesh.pods.controllers.objects import owner_reference
from mesh.pods.controllers.service_follower import ServiceFollower
from mesh.resources.core.endpoint_slice import (
    MANAGED_BY_LABEL,
    MANAGED_BY_MESH,
    MANAGED_BY_MIRROR,
    SERVICE_NAME_LABEL,
    SKIP_MIRROR_LABEL,
)
from mesh.resources.meshmall.branch import branch_of
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.ref import ENDPOINT_SLICE, Ref
from mesh.store import Delete, Event, Put, Stored

SLICES = "discovery.k8s.io"
Ports = tuple[tuple[str, int, str, str], ...]
Groups = dict[Ports, list[Body]]


class EndpointController(ServiceFollower):
    """Follows Services and pods of one store, and writes the endpoints of each Service."""

    loop = "endpoints"

    def _affected(self, event: Event) -> Iterable[Ref]:
        """The Services whose endpoints an event can change."""
        ref = event.object.ref
        if ref[:2] == ("", "Service"):
            return [ref]
        if ref[:2] == ("", "Endpoints"):
            # Those that this controller has written have an owner.
            return [] if event.object.metadata.get("ownerReferences") else [ref._replace(kind="Service")]
        if ref[:2] != ("", "Pod") or (event.type == "MODIFIED" and event.previous and _same(event)):
            return []
        # Also by the labels before: a pod that was relabelled leaves one Service and enters another.
        states = [stored for stored in (event.object, event.previous) if stored is not None]
        return [
            service.ref
            for service in self._store.list("", "Service", ref.namespace)
            if any(_selects(service.body, stored.metadata.get("labels") or {}) for stored in states)
        ]

    def _reconcile(self, ref: Ref) -> None:
        service = self._store.get(ref)
        if service is None:
            return
        # Without a selector the Endpoints are the user's own to write.
        changes = self._changes(service) if service.body["spec"].get("selector") else self._mirrored(service)
        if changes:
            self._store.commit(changes)

    def _changes(self, service: Stored) -> list[Put | Delete]:
        groups = self._groups(service)
        metadata: Body = {"ownerReferences": [owner_reference(service)]}
        labels = service.metadata.get("labels") or {}
        of_slice = {SERVICE_NAME_LABEL: service.ref.name, MANAGED_BY_LABEL: MANAGED_BY_MESH}
        slices = [
            _slice(
                service,
                ports,
                endpoints,
                {**metadata, "labels": {**labels, **of_slice}},
            )
            for ports, endpoints in groups.items()
        ]
        obsolete = self._obsolete(service, slices)
        return [*slices, *obsolete, _endpoints(service, groups, {**metadata, "labels": labels} if labels else metadata)]

    def _mirrored(self, service: Stored) -> list[Put | Delete]:
        """The Endpoints of a Service without a selector as EndpointSlices, one for each subset."""
        endpoints = self._store.get(service.ref._replace(kind="Endpoints"))
        slices: list[Put] = []
        if endpoints is not None and (endpoints.metadata.get("labels") or {}).get(SKIP_MIRROR_LABEL) != "true":
            labels = {SERVICE_NAME_LABEL: service.ref.name, MANAGED_BY_LABEL: MANAGED_BY_MIRROR}
            metadata: Body = {"ownerReferences": [owner_reference(service)], "labels": labels}
            for subset in endpoints.body.get("subsets") or ():
                ports = tuple(_of_endpoints(port) for port in subset.get("ports") or ())
                addresses = [_listed(address, ready=True) for address in subset.get("addresses") or ()]
                addresses += [_listed(address, ready=False) for address in subset.get("notReadyAddresses") or ()]
                slices.append(_slice(service, ports, addresses, metadata))
        return [*slices, *self._obsolete(service, slices)]

    def _obsolete(self, service: Stored, slices: Iterable[Put]) -> list[Delete]:
        """The Service's slices that this controller wrote before and does not write any more."""
        current = {put.ref for put in slices}
        return [
            Delete(dependent.ref)
            for dependent in self._store.dependents(service.uid)
            if dependent.ref.group_kind == ENDPOINT_SLICE and dependent.ref not in current
        ]

    def _groups(self, service: Stored) -> Groups:
        """The pods of a Service, grouped by the ports at which they serve it; at least one, maybe empty, group."""
        groups: defaultdict[Ports, list[Body]] = defaultdict(list)
        for pod in self._store.list("", "Pod", service.ref.namespace):
            status = pod.body.get("status") or {}
            ended = status.get("phase") in ("Succeeded", "Failed")
            if status.get("podIP") and not ended and _selects(service.body, pod.metadata.get("labels") or {}):
                groups[_ports(service.body, pod.body)].append(_endpoint(service.body, pod))
        return dict(sorted(groups.items())) or {(): []}


def _selects(service: Body, labels: Mapping[str, str]) -> bool:
    """Whether a Service selects a pod with these labels; a branch's pods belong to none (see `branch_of`)."""
    selector = service["spec"].get("selector") or {}
    return bool(selector) and not branch_of(labels) and selector.items() <= labels.items()


def _relevant(pod: Stored) -> tuple[Any, ...]:
    """What of a pod the endpoints of Services depend on."""
    status = pod.body.get("status") or {}
    return (
        pod.metadata.get("labels"),
        status.get("podIP"),
        status.get("phase"),
        _ready(pod.body),
        "deletionTimestamp" in pod.metadata,
    )


def _same(event: Event) -> bool:
    return event.previous is not None and _relevant(event.previous) == _relevant(event.object)


def _ready(pod: Body) -> bool:
    ready = find_condition((pod.get("status") or {}).get("conditions"), "Ready")
    return ready is not None and ready["status"] == "True"


def _ports(service: Body, pod: Body) -> Ports:
    numbers = {
        port["name"]: port["containerPort"]
        for container in pod["spec"].get("containers", ())
        for port in container.get("ports", ())
        if port.get("name")
    }
    ports = []
    for port in service["spec"].get("ports", ()):
        target = port.get("targetPort") or port["port"]
        number = target if isinstance(target, int) else numbers.get(target)
        if number is not None:
            ports.append((port.get("name", ""), number, port.get("protocol", "TCP"), port.get("appProtocol", "")))
    return tuple(ports)


def _endpoint(service: Body, pod: Stored) -> Body:
    ending = "deletionTimestamp" in pod.metadata
    serving = _ready(pod.body)
    ready = (serving and not ending) or bool(service["spec"].get("publishNotReadyAddresses"))
    body: Body = {
        "addresses": [pod.body["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": ending},
        "targetRef": {"kind": "Pod", "namespace": pod.ref.namespace, "name": pod.ref.name, "uid": pod.uid},
    }
    if node := pod.body["spec"].get("nodeName"):
        body["nodeName"] = node
    # With a subdomain of the Service's name a pod has a name of its own (Kubernetes, "Pod's hostname and subdomain").
    spec = pod.body["spec"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        body["hostname"] = spec["hostname"]
    return body


def _of_endpoints(port: Body) -> tuple[str, int, str, str]:
    """A port of Endpoints (core/v1, EndpointPort)."""
    return (port.get("name", ""), port["port"], port.get("protocol", "TCP"), port.get("appProtocol", ""))


def _listed(address: Body, *, ready: bool) -> Body:
    """An address of Endpoints (core/v1, EndpointAddress) as one of an EndpointSlice."""
    body: Body = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    return body | {name: address[name] for name in ("hostname", "nodeName", "targetRef") if name in address}


def _port(port: tuple[str, int, str, str]) -> Body:
    name, number, protocol, application = port
    body: Body = {"name": name, "port": number, "protocol": protocol, "appProtocol": application}
    return {key: value for key, value in body.items() if value != ""}


def _slice(service: Stored, ports: Ports, endpoints: list[Body], metadata: Body) -> Put:
    suffix = hashlib.sha256(repr((service.uid, ports)).encode()).hexdigest()[:5]
    ref = Ref(SLICES, "EndpointSlice", service.ref.namespace, f"{service.ref.name}-{suffix}")
    body: Body = {
        "apiVersion": f"{SLICES}/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "", **_port(port)} for port in ports],
    }
    return Put(ref, body)


def _endpoints(service: Stored, groups: Groups, metadata: Body) -> Put:
    subsets = []
    for ports, endpoints in groups.items():
        subset: Body = {}
        for name, ready in (("addresses", True), ("notReadyAddresses", False)):
            addresses = [_address(e) for e in endpoints if e["conditions"]["ready"] is ready]
            if addresses:
                subset[name] = addresses
        if subset:
            subsets.append({**subset, "ports": [_port(port) for port in ports]})
    body: Body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    return Put(service.ref._replace(kind="Endpoints"), {**body, "subsets": subsets} if subsets else body)


def _address(endpoint: Body) -> Body:
    address: Body = {"ip": endpoint["addresses"][0], "targetRef": endpoint["targetRef"]}
    if "nodeName" in endpoint:
        address["nodeName"] = endpoint["nodeName"]
    return address
