"""The columns of Kubernetes' own kinds: the same as on a real cluster (pkg/printers/internalversion)."""

from collections.abc import Mapping, Sequence
from typing import Any

from mesh.resources.columns.column import (
    AGE,
    NAME,
    NONE,
    Column,
    labels_text,
    since,
    spec,
    status,
    with_name_and_age,
)
from mesh.resources.values.conditions import find_condition

MOST_ADDRESSES = 3


def _service_ports(service: Mapping[str, Any]) -> str:
    ports = [
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in spec(service).get("ports", [])
    ]
    return ",".join(ports) or NONE


def _external_ip(service: Mapping[str, Any]) -> str:
    """As kubectl prints it: a load balancer without an address is pending."""
    kind, addresses = spec(service).get("type"), list(spec(service).get("externalIPs") or [])
    if kind == "ExternalName":
        return str(spec(service).get("externalName", NONE))
    if kind == "LoadBalancer":
        places = (status(service).get("loadBalancer") or {}).get("ingress") or []
        balanced = [str(place.get("ip") or place.get("hostname", "")) for place in places]
        return ",".join([*balanced, *addresses]) or "<pending>"
    return ",".join(addresses) or NONE


def of_containers(body: Mapping[str, Any], field: str) -> str:
    """A field of each container of a workload's template, separated by commas."""
    containers = spec(body).get("template", {}).get("spec", {}).get("containers", [])
    return ",".join(str(container.get(field, "")) for container in containers)


def _first(addresses: Sequence[str], absent: str) -> str:
    if len(addresses) > MOST_ADDRESSES:
        return f"{','.join(addresses[:MOST_ADDRESSES])} + {len(addresses) - MOST_ADDRESSES} more..."
    return ",".join(addresses) or absent


def _subsets(endpoints: Mapping[str, Any]) -> str:
    addresses = [
        f"{address['ip']}:{port['port']}"
        for subset in endpoints.get("subsets") or []
        for port in subset.get("ports") or []
        for address in subset.get("addresses") or []
    ]
    return _first(addresses, NONE)


def _slice_addresses(endpoint_slice: Mapping[str, Any]) -> str:
    endpoints = endpoint_slice.get("endpoints") or []
    return _first([address for endpoint in endpoints for address in endpoint.get("addresses", [])], "<unset>")


def _slice_ports(endpoint_slice: Mapping[str, Any]) -> str:
    return ",".join(str(port.get("port", "*")) for port in endpoint_slice.get("ports") or []) or "<unset>"


def _event_object(event: Mapping[str, Any]) -> str:
    involved = event.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _established(definition: Mapping[str, Any]) -> bool:
    condition = find_condition(status(definition).get("conditions"), "Established")
    return condition is not None and condition["status"] == "True"


CONTAINERS = Column("Containers", lambda b: of_containers(b, "name"), wide=True)
IMAGES = Column("Images", lambda b: of_containers(b, "image"), wide=True)
_OF_TEMPLATE = (
    CONTAINERS,
    IMAGES,
    Column("Selector", lambda b: labels_text((spec(b).get("selector") or {}).get("matchLabels")), wide=True),
)

NAMESPACE = with_name_and_age(Column("Status", lambda b: status(b).get("phase", "Active")))

SERVICE = with_name_and_age(
    Column("Type", lambda b: spec(b).get("type", "ClusterIP")),
    Column("Cluster-IP", lambda b: spec(b).get("clusterIP") or NONE),
    Column("External-IP", _external_ip),
    Column("Port(s)", _service_ports),
    Column("Selector", lambda b: labels_text(spec(b).get("selector")), wide=True),
)

CONFIG_MAP = with_name_and_age(
    Column("Data", lambda b: len(b.get("data") or {}) + len(b.get("binaryData") or {}), "integer"),
)

SECRET = with_name_and_age(
    Column("Type", lambda b: b.get("type", "Opaque")),
    Column("Data", lambda b: len(b.get("data") or {}), "integer"),
)

# Events put the age first and the name last: they are read by time, and their names mean nothing.
EVENT = (
    Column("Last Seen", lambda b: since(b.get("lastTimestamp") or b["metadata"].get("creationTimestamp"))),
    Column("Type", lambda b: b.get("type", "")),
    Column("Reason", lambda b: b.get("reason", "")),
    Column("Object", _event_object),
    Column("Subobject", lambda b: (b.get("involvedObject") or {}).get("fieldPath", ""), wide=True),
    Column("Source", lambda b: (b.get("source") or {}).get("component", ""), wide=True),
    Column("Message", lambda b: str(b.get("message", "")).strip()),
    Column("First Seen", lambda b: since(b.get("firstTimestamp") or b["metadata"].get("creationTimestamp")), wide=True),
    Column("Count", lambda b: str(b.get("count", 1)), wide=True),
    Column("Name", NAME.cell, wide=True),
)

DEPLOYMENT = with_name_and_age(
    Column("Ready", lambda b: f"{status(b).get('readyReplicas', 0)}/{spec(b).get('replicas', 1)}"),
    Column("Up-to-date", lambda b: status(b).get("updatedReplicas", 0), "integer"),
    Column("Available", lambda b: status(b).get("availableReplicas", 0), "integer"),
    *_OF_TEMPLATE,
)

REPLICA_SET = with_name_and_age(
    Column("Desired", lambda b: spec(b).get("replicas", 1), "integer"),
    Column("Current", lambda b: status(b).get("replicas", 0), "integer"),
    Column("Ready", lambda b: status(b).get("readyReplicas", 0), "integer"),
    *_OF_TEMPLATE,
)

ENDPOINTS = with_name_and_age(Column("Endpoints", _subsets))

ENDPOINT_SLICE = with_name_and_age(
    Column("AddressType", lambda b: b.get("addressType", "")),
    Column("Ports", _slice_ports),
    Column("Endpoints", _slice_addresses),
)

CUSTOM_RESOURCE_DEFINITION = (
    NAME,
    Column("Scope", lambda b: spec(b).get("scope", "")),
    Column("Versions", lambda b: ",".join(v["name"] for v in spec(b).get("versions") or () if v.get("served"))),
    AGE,
    Column("Group", lambda b: spec(b).get("group", ""), wide=True),
    Column("Kind", lambda b: spec(b).get("names", {}).get("kind", ""), wide=True),
    Column("ShortNames", lambda b: ",".join(spec(b).get("names", {}).get("shortNames") or ()), wide=True),
    Column("Established", _established, "boolean", wide=True),
)
