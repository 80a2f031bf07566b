"""`meshmall get`: objects as a table, JSON, YAML or names."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context
from meshmall.cli.status import age

ALL = ("pods", "services", "deployments", "gateways", "virtualservices", "destinationrules")
OUTPUTS = ("table", "wide", "json", "yaml", "name")
Body = Mapping[str, Any]


def get_objects(
    context: Context,
    kind: str,
    name: str | None,
    *,
    all_namespaces: bool,
    selector: str,
    output: str,
) -> None:
    """Prints objects of a kind, by any of its names, or `all`. Raises Failure when there is none."""
    if output not in OUTPUTS:
        raise Failure(f"-o {output}: known are {', '.join(OUTPUTS)}", code=2)
    kind, _, named = kind.partition("/")
    infos = [_kind(word) for word in (ALL if kind == "all" else kind.split(","))]
    try:
        found = [(info, _bodies(context, info, name or named, all_namespaces, selector)) for info in infos]
    except ApiError as error:
        raise Failure(error.message) from None
    bodies = [body for _, group in found for body in group]
    if output == "json":
        context.view.plain(json.dumps(_listed(bodies, bool(name or named)), indent=2))
    elif output == "yaml":
        context.view.plain(yaml.safe_dump(_listed(bodies, bool(name or named)), sort_keys=False))
    elif output == "name":
        for info, group in found:
            for body in group:
                context.view.plain(f"{info.singular}{'.' + info.group if info.group else ''}/{_name(body)}")
    elif not bodies:
        context.view.say("no objects" if all_namespaces else f"no objects in namespace {context.namespace}")
    else:
        _tables(context, found, all_namespaces, wide=output == "wide")


def _kind(word: str) -> KindDefinition:
    wanted = word.lower()
    for info in REGISTRY.all():
        names = {info.plural, info.singular, info.kind.lower(), *info.short_names}
        if wanted in names or wanted == f"{info.plural}.{info.group}":
            return info
    known = ", ".join(sorted(info.plural for info in REGISTRY.all()))
    raise Failure(f"no kind is named {word!r}", f"known are: {known}, all")


def _bodies(
    context: Context, info: KindDefinition, name: str, everywhere: bool, selector: str
) -> Sequence[dict[str, Any]]:
    namespace = context.namespace if info.namespaced else ""
    if name:
        return [context.client.get(Ref(info.group, info.kind, namespace, name))]
    where = None if everywhere or not info.namespaced else namespace
    return context.client.list(info.group, info.kind, where, selector=selector)


def _listed(bodies: Sequence[Body], one: bool) -> Body:
    return bodies[0] if one and len(bodies) == 1 else {"apiVersion": "v1", "kind": "List", "items": list(bodies)}


def _tables(
    context: Context, found: Sequence[tuple[KindDefinition, Sequence[Body]]], everywhere: bool, *, wide: bool
) -> None:
    shown = [(info, group) for info, group in found if group]
    for number, (info, group) in enumerate(shown):
        columns = [*COLUMNS.get(info.kind, ()), *(WIDE.get(info.kind, ()) if wide else ())]
        header = ["NAME", *(title for title, _ in columns), "AGE"]
        rows = [
            [
                _name(body),
                *(value(body) for _, value in columns),
                age(body["metadata"].get("creationTimestamp", "")),
            ]
            for body in group
        ]
        if everywhere and info.namespaced:
            header.insert(0, "NAMESPACE")
            rows = [[body["metadata"]["namespace"], *row] for body, row in zip(group, rows, strict=True)]
        if len(found) > 1:
            header = [f"{info.plural.upper()}" if title == "NAME" else title for title in header]
            if number:
                context.view.plain("")
        context.view.columns(header, rows)


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def _status(body: Body) -> Mapping[str, Any]:
    return body.get("status") or {}


def _containers(pod: Body) -> Sequence[Mapping[str, Any]]:
    return _status(pod).get("containerStatuses") or []


def _pod_state(pod: Body) -> str:
    """The word that kubectl prints: a container's reason before the phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for container in _containers(pod):
        state = container.get("state") or {}
        for part in ("waiting", "terminated"):
            if reason := (state.get(part) or {}).get("reason"):
                return str(reason)
    return str(_status(pod).get("reason") or _status(pod).get("phase", "Pending"))


def _ports(service: Body) -> str:
    return ",".join(
        f"{port['port']}{_node_port(port)}/{port.get('protocol', 'TCP')}" for port in service["spec"].get("ports", [])
    )


def _node_port(port: Body) -> str:
    return f":{port['nodePort']}" if port.get("nodePort") else ""


def _labels(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted((labels or {}).items())) or "<none>"


def _list(values: Sequence[str] | None) -> str:
    return ",".join(values or []) or "<none>"


def _programmed(body: Body) -> str:
    for condition in _status(body).get("conditions") or []:
        if condition.get("type") == "Programmed":
            return str(condition["status"])
    return "Unknown"


COLUMNS: Mapping[str, Sequence[tuple[str, Callable[[Body], str]]]] = {
    "Pod": (
        (
            "READY",
            lambda b: f"{sum(bool(c.get('ready')) for c in _containers(b))}/{len(b['spec']['containers'])}",
        ),
        ("STATUS", _pod_state),
        ("RESTARTS", lambda b: str(sum(c.get("restartCount", 0) for c in _containers(b)))),
    ),
    "Deployment": (
        ("READY", lambda b: f"{_status(b).get('readyReplicas', 0)}/{b['spec'].get('replicas', 1)}"),
        ("UP-TO-DATE", lambda b: str(_status(b).get("updatedReplicas", 0))),
        ("AVAILABLE", lambda b: str(_status(b).get("availableReplicas", 0))),
    ),
    "ReplicaSet": (
        ("DESIRED", lambda b: str(b["spec"].get("replicas", 1))),
        ("CURRENT", lambda b: str(_status(b).get("replicas", 0))),
        ("READY", lambda b: str(_status(b).get("readyReplicas", 0))),
    ),
    "Service": (
        ("TYPE", lambda b: str(b["spec"].get("type", "ClusterIP"))),
        ("CLUSTER-IP", lambda b: str(b["spec"].get("clusterIP", "<none>"))),
        ("PORT(S)", _ports),
    ),
    "VirtualService": (
        ("GATEWAYS", lambda b: _list(b["spec"].get("gateways"))),
        ("HOSTS", lambda b: _list(b["spec"].get("hosts"))),
        ("PROGRAMMED", _programmed),
    ),
    "DestinationRule": (("HOST", lambda b: str(b["spec"].get("host"))), ("PROGRAMMED", _programmed)),
    "Gateway": (("PROGRAMMED", _programmed),),
    "Namespace": (("STATUS", lambda b: str(_status(b).get("phase", "Active"))),),
    "ConfigMap": (("DATA", lambda b: str(len(b.get("data") or {}) + len(b.get("binaryData") or {}))),),
    "Secret": (
        ("TYPE", lambda b: str(b.get("type", "Opaque"))),
        ("DATA", lambda b: str(len(b.get("data") or {}))),
    ),
    "Event": (
        ("TYPE", lambda b: str(b.get("type", ""))),
        ("REASON", lambda b: str(b.get("reason", ""))),
        ("MESSAGE", lambda b: str(b.get("message", ""))),
    ),
}
WIDE: Mapping[str, Sequence[tuple[str, Callable[[Body], str]]]] = {
    "Pod": (
        ("IP", lambda b: str(_status(b).get("podIP", "<none>"))),
        ("LABELS", lambda b: _labels(b["metadata"].get("labels"))),
    ),
    "Deployment": (("SELECTOR", lambda b: _labels(b["spec"]["selector"].get("matchLabels"))),),
    "Service": (("SELECTOR", lambda b: _labels(b["spec"].get("selector"))),),
}
