"""Objects as kubectl prints them: server-side Tables (meta.k8s.io/v1), with the columns of a real cluster.

Columns of priority 0 are always shown, those of priority 1 with `-o wide`.
"""

import calendar
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mesh.api.objects.json_paths import find
from mesh.resources.custom.untyped import Untyped
from mesh.resources.gateway_api.types import GROUP as GATEWAY_API
from mesh.resources.kind_definition import KindDefinition

Body = Mapping[str, Any]
ACCEPTED = "as=Table"


class Column(NamedTuple):
    """One column: its title, what stands in it, its OpenAPI type, and whether `-o wide` alone shows it."""

    name: str
    value: Callable[[Body], Any]
    type: str = "string"
    wide: bool = False


def wants_table(accept: str) -> bool:
    """Whether a client asks for a Table, as kubectl does for everything that it prints itself."""
    return any(ACCEPTED in part and "v=v1;" in f"{part};" for part in accept.replace(" ", "").split(","))


def table(
    info: KindDefinition, version: str, bodies: Sequence[Body], metadata: Body, include: str = ""
) -> dict[str, Any]:
    """A Table. `include` is None, Metadata (the default) or Object: what each row carries of its object."""
    columns = columns_of(info, version)
    definitions = [
        {
            "name": each.name,
            "type": each.type,
            "format": "name" if each.name == "Name" else "",
            "description": "",
            "priority": 1 if each.wide else 0,
        }
        for each in columns
    ]
    rows = [{"cells": [each.value(body) for each in columns], "object": _row_object(body, include)} for body in bodies]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(metadata),
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _row_object(body: Body, include: str) -> Any:
    if include == "Object":
        return body
    if include == "None":
        return None
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def columns_of(info: KindDefinition, version: str) -> Sequence[Column]:
    """A kind's columns; Name and Age for those that have none of their own."""
    if info.custom is not None:
        if defined := info.custom.columns(version):
            return [NAME, *(_defined(each) for each in defined)]
        return [NAME, AGE]
    if info.kind == "Event":
        return EVENT
    if info.kind == "CustomResourceDefinition":
        return [NAME, Column("Created At", lambda b: b["metadata"].get("creationTimestamp", ""), "date")]
    own = UNTYPED.get((info.group, info.kind), ()) if info.type is Untyped else COLUMNS.get(info.kind, ())
    if (info.group, info.kind) == (GATEWAY_API, "Gateway"):
        own = API_GATEWAY
    return [NAME, *(each for each in own if not each.wide), AGE, *(each for each in own if each.wide)]


def _defined(column: Body) -> Column:
    """A column of a CustomResourceDefinition (additionalPrinterColumns)."""
    path, kind = column["jsonPath"], column["type"]

    def value(body: Body) -> Any:
        found = find(body, path)
        if not found:
            return None
        if kind == "date":
            return since(found[0])
        if kind in ("integer", "number", "boolean") and isinstance(found[0], int | float):
            return found[0]
        return ",".join(each if isinstance(each, str) else json.dumps(each) for each in found)

    shown = "string" if kind == "date" else kind
    return Column(column["name"], value, shown, bool(column.get("priority", 0)))


def human_duration(seconds: float) -> str:
    """A span as Kubernetes prints it: `42s`, `5m3s`, `12m`, `3h4m`, `2d`, `9d`."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d"


def since(timestamp: str | None) -> str:
    """How long ago an RFC 3339 time was."""
    try:
        then = calendar.timegm(time.strptime(str(timestamp)[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return "<unknown>"
    return human_duration(time.time() - then)


def _status(body: Body) -> Mapping[str, Any]:
    return body.get("status") or {}


def _spec(body: Body) -> Mapping[str, Any]:
    return body.get("spec") or {}


def _containers(pod: Body) -> Sequence[Mapping[str, Any]]:
    return _status(pod).get("containerStatuses") or []


def pod_state(pod: Body) -> str:
    """The word for a pod: a container's reason before the phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for container in _containers(pod):
        state = container.get("state") or {}
        for part in ("waiting", "terminated"):
            if reason := (state.get(part) or {}).get("reason"):
                return str(reason)
    return str(_status(pod).get("reason") or _status(pod).get("phase", "Pending"))


def _pod_ready(pod: Body) -> str:
    ready = sum(bool(each.get("ready")) for each in _containers(pod))
    return f"{ready}/{len(_spec(pod).get('containers', []))}"


def _restarts(pod: Body) -> str:
    count = sum(each.get("restartCount", 0) for each in _containers(pod))
    ended = [(each.get("lastState") or {}).get("terminated", {}).get("finishedAt") for each in _containers(pod)]
    last = max((each for each in ended if each), default="")
    return f"{count} ({since(last)} ago)" if count and last else str(count)


def labels_text(labels: Mapping[str, str] | None) -> str:
    """Labels as kubectl prints them."""
    return ",".join(f"{name}={value}" for name, value in sorted((labels or {}).items())) or "<none>"


def _ports(service: Body) -> str:
    told = [
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in _spec(service).get("ports", [])
    ]
    return ",".join(told) or "<none>"


def _external(service: Body) -> str:
    if _spec(service).get("type") == "ExternalName":
        return str(_spec(service).get("externalName", "<none>"))
    return ",".join(_spec(service).get("externalIPs") or []) or "<none>"


def _template(body: Body, field: str) -> str:
    containers = _spec(body).get("template", {}).get("spec", {}).get("containers", [])
    return ",".join(str(each.get(field, "")) for each in containers)


def _selector(body: Body) -> str:
    return labels_text((_spec(body).get("selector") or {}).get("matchLabels"))


def _listed(value: Any) -> str:
    """A list as Istio's columns show it; nothing when there is none."""
    return json.dumps(value, separators=(",", ":")) if value else ""


def _subsets(body: Body) -> str:
    """The ready addresses of an Endpoints object, with their ports."""
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in body.get("subsets") or []
        for port in subset.get("ports") or []
        for address in subset.get("addresses") or []
    ]
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if len(found) > 3 else "") if found else "<none>"


def _endpoints(body: Body) -> str:
    found = [address for each in body.get("endpoints") or [] for address in each.get("addresses", [])]
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if len(found) > 3 else "") if found else "<unset>"


def _slice_ports(body: Body) -> str:
    return ",".join(str(each.get("port", "*")) for each in body.get("ports") or []) or "<unset>"


def _condition(body: Body, type_: str) -> str:
    found = (each["status"] for each in _status(body).get("conditions") or [] if each.get("type") == type_)
    return str(next(found, "Unknown"))


def _entries(branch: Body) -> str:
    told = []
    for entry in _spec(branch).get("enter") or []:
        for kind, value in entry.items():
            told.append(value if kind == "host" else f"{value['name']}={value['value']}")
    return ",".join(told) or "<none>"


def _changes(branch: Body) -> str:
    return ",".join(each["name"] for each in _status(branch).get("services") or []) or "<none>"


def _about(event: Body) -> str:
    involved = event.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


NAME = Column("Name", lambda b: b["metadata"]["name"])
AGE = Column("Age", lambda b: since(b["metadata"].get("creationTimestamp")))
WORKLOAD = (
    Column("Containers", lambda b: _template(b, "name"), wide=True),
    Column("Images", lambda b: _template(b, "image"), wide=True),
    Column("Selector", _selector, wide=True),
)
EVENT = (
    Column("Last Seen", lambda b: since(b.get("lastTimestamp") or b["metadata"].get("creationTimestamp"))),
    Column("Type", lambda b: b.get("type", "")),
    Column("Reason", lambda b: b.get("reason", "")),
    Column("Object", _about),
    Column("Message", lambda b: str(b.get("message", "")).strip()),
    Column("Source", lambda b: (b.get("source") or {}).get("component", ""), wide=True),
    Column("Count", lambda b: b.get("count", 1), "integer", wide=True),
    Column("Name", lambda b: b["metadata"]["name"], wide=True),
)
NODE = (
    Column("Status", lambda b: "Ready" if _condition(b, "Ready") == "True" else "NotReady"),
    Column("Roles", lambda b: "control-plane"),
    Column("Version", lambda b: _status(b)["nodeInfo"]["kubeletVersion"]),
    Column("Internal-IP", lambda b: _status(b)["addresses"][0]["address"], wide=True),
    Column("External-IP", lambda b: "<none>", wide=True),
    Column("OS-Image", lambda b: _status(b)["nodeInfo"]["osImage"], wide=True),
    Column("Kernel-Version", lambda b: _status(b)["nodeInfo"]["kernelVersion"], wide=True),
    Column("Container-Runtime", lambda b: _status(b)["nodeInfo"]["containerRuntimeVersion"], wide=True),
)
UNTYPED: Mapping[tuple[str, str], Sequence[Column]] = {
    ("", "Node"): NODE,
    ("", "Endpoints"): (Column("Endpoints", _subsets),),
}
PROGRAMMED = Column("Programmed", lambda b: _condition(b, "Programmed"))
ACCEPTED_CLASS = Column("Accepted", lambda b: _condition(b, "Accepted"))
API_GATEWAY = (
    Column("Class", lambda b: _spec(b).get("gatewayClassName", "")),
    Column("Address", lambda b: ",".join(each["value"] for each in _status(b).get("addresses") or [])),
    PROGRAMMED,
)
COLUMNS: Mapping[str, Sequence[Column]] = {
    "Pod": (
        Column("Ready", _pod_ready),
        Column("Status", pod_state),
        Column("Restarts", _restarts),
        Column("IP", lambda b: _status(b).get("podIP") or "<none>", wide=True),
        Column("Node", lambda b: _spec(b).get("nodeName") or "<none>", wide=True),
        Column("Nominated Node", lambda b: "<none>", wide=True),
        Column("Readiness Gates", lambda b: "<none>", wide=True),
    ),
    "Deployment": (
        Column("Ready", lambda b: f"{_status(b).get('readyReplicas', 0)}/{_spec(b).get('replicas', 1)}"),
        Column("Up-to-date", lambda b: _status(b).get("updatedReplicas", 0), "integer"),
        Column("Available", lambda b: _status(b).get("availableReplicas", 0), "integer"),
        *WORKLOAD,
    ),
    "ReplicaSet": (
        Column("Desired", lambda b: _spec(b).get("replicas", 1), "integer"),
        Column("Current", lambda b: _status(b).get("replicas", 0), "integer"),
        Column("Ready", lambda b: _status(b).get("readyReplicas", 0), "integer"),
        *WORKLOAD,
    ),
    "Service": (
        Column("Type", lambda b: _spec(b).get("type", "ClusterIP")),
        Column("Cluster-IP", lambda b: _spec(b).get("clusterIP") or "<none>"),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
        Column("Selector", lambda b: labels_text(_spec(b).get("selector")), wide=True),
    ),
    "EndpointSlice": (
        Column("AddressType", lambda b: b.get("addressType", "")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _endpoints),
    ),
    "Namespace": (Column("Status", lambda b: _status(b).get("phase", "Active")),),
    "ConfigMap": (Column("Data", lambda b: len(b.get("data") or {}) + len(b.get("binaryData") or {}), "integer"),),
    "Secret": (
        Column("Type", lambda b: b.get("type", "Opaque")),
        Column("Data", lambda b: len(b.get("data") or {}), "integer"),
    ),
    "ServiceAccount": (Column("Secrets", lambda b: len(b.get("secrets") or []), "integer"),),
    "VirtualService": (
        Column("Gateways", lambda b: _listed(_spec(b).get("gateways"))),
        Column("Hosts", lambda b: _listed(_spec(b).get("hosts"))),
        PROGRAMMED,
    ),
    "DestinationRule": (Column("Host", lambda b: _spec(b).get("host", "")), PROGRAMMED),
    "Gateway": (PROGRAMMED,),
    "GatewayClass": (Column("Controller", lambda b: _spec(b).get("controllerName", "")), ACCEPTED_CLASS),
    "HTTPRoute": (Column("Hostnames", lambda b: json.dumps(_spec(b).get("hostnames") or [])),),
    "GRPCRoute": (Column("Hostnames", lambda b: json.dumps(_spec(b).get("hostnames") or [])),),
    "Branch": (
        Column("Phase", lambda b: _status(b).get("phase", "Pending")),
        Column("Changes", _changes),
        Column("Enters", _entries),
        Column("Ends", lambda b: _status(b).get("expiresAt", "")),
        Column("URL", lambda b: _status(b).get("url", ""), wide=True),
    ),
}
