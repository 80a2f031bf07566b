"""Short ways to write objects in tests."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import Ref

ISTIO = "networking.istio.io"
Body = dict[str, Any]


def body(kind: str, name: str, namespace: str = "mesh", group: str = ISTIO, **spec: Any) -> Body:
    """A validated object with this spec."""
    version = f"{group}/v1" if group else "v1"
    raw = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
    return validate(raw).body


def ref_of(raw: Body) -> Ref:
    group = raw["apiVersion"].rpartition("/")[0]
    return Ref(group, raw["kind"], raw["metadata"].get("namespace", ""), raw["metadata"]["name"])


def service(name: str, namespace: str = "mesh", port: int = 7000, port_name: str = "http", **selector: str) -> Body:
    """A Service that takes pods labelled `app: <name>`, or as told."""
    ports = [{"name": port_name, "port": port}]
    return body("Service", name, namespace, "", selector=selector or {"app": name}, ports=ports)


def rule(name: str, host: str | list[str], *http: Body, namespace: str = "mesh", **more: Any) -> Body:
    """A VirtualService for one host or several."""
    hosts = [host] if isinstance(host, str) else host
    return body("VirtualService", name, namespace, hosts=hosts, http=list(http), **more)


def to(*hosts: str, **more: Any) -> Body:
    """A route to one or several hosts (`host:subset`), of equal weight."""
    destinations = []
    for host in hosts:
        named, _, subset = host.partition(":")
        destination = {"host": named, "subset": subset} if subset else {"host": named}
        destinations.append({"destination": destination, **({"weight": 1} if len(hosts) > 1 else {})})
    return {"route": destinations, **more}


def cookie(user: str) -> Body:
    """The match of the seed's scenario."""
    return {"headers": {"cookie": {"regex": rf"^(.*;\s*)?user={user}(;.*)?$"}}}


def pod(name: str, ip: str, namespace: str = "mesh", *, ready: bool = True, **labels: str) -> Body:
    """A pod that runs, as the pods' room would have written it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "c", "ports": [{"name": "http", "containerPort": 7000}]}]},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def with_fields(body: Body, fields: Mapping[str, Any]) -> Body:
    """A copy with fields set by their path."""
    changed = copy.deepcopy(body)
    for path, value in fields.items():
        at: Any = changed
        *parts, last = [int(part) if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", path)]
        for part in parts:
            at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
        at[last] = value
    return changed


def branch(name: str, *, enter: list[Body] | None = None, **spec: Any) -> Body:
    """A Branch; services are given by `services={"products": {"fork": {}}}`."""
    return body("Branch", name, group="meshmall.dev", enter=enter or [], **spec)


def updated(body: dict[str, Any], fields: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[str]:
    """What may not change, of an update of `body` with `before` to `body` with `fields`."""
    old = validate(with_fields(body, before or {}), "mesh")
    new = validate(with_fields(body, fields), "mesh")
    return [str(error) for error in old.definition.check_update(old.typed, new.typed)]


def errors(raw: Body) -> list[str]:
    """What is wrong with an object by itself."""
    try:
        validate(copy.deepcopy(raw))
    except Invalid as invalid:
        return [str(error) for error in invalid.errors]
    return []
