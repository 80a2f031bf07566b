"""Branches as plain Kubernetes and Istio YAML, for a cluster without a controller for them. Pure.

A fork becomes a Deployment with labels of its own, so that the baseline's Service never selects it, and a Service
`<service>-<branch>`. The rules route a branch's requests there at every hop: at the gateway by the branch's entries,
inside the mesh by the header and the baggage that the gateway's rule sets and the programs propagate. The team's rules
for a host stay: each of their routes follows its copies for the branches.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from mesh.branches.forks import fork, of_template
from mesh.branches.status import Branches
from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service, ServicePort
from mesh.resources.istio.virtual_service import HTTPFaultInjection, VirtualService
from mesh.resources.meshmall.branch import (
    BAGGAGE_MEMBER,
    BRANCH_LABEL,
    ENTRY_ORDER,
    HEADER,
    SERVICE_LABEL,
    Branch,
    BranchService,
    NameValue,
    deployment_name,
    preview_host,
)
from mesh.resources.values.body import Body
from mesh.resources.values.cookies import cookie_pattern
from mesh.resources.values.hosts import aliases
from mesh.resources.values.problems import FieldError, Invalid
from mesh.routing.branches.changes import effective, effective_faults

ISTIO = "networking.istio.io/v1"


class Around:
    """What the branches are rendered from: the baseline as it is now."""

    def __init__(
        self,
        branches: Branches,
        services: Iterable[Service],
        deployments: Sequence[Deployment],
        rules: Iterable[tuple[VirtualService, Body]],
    ) -> None:
        self.branches = branches
        self.services = {(service.metadata.namespace, service.metadata.name): service for service in services}
        self.deployments = [d for d in deployments if BRANCH_LABEL not in d.metadata.labels]
        self.rules = list(rules)


class _Difference(NamedTuple):
    """What a branch has at a service: another destination (the change and its owner), a fault, or both."""

    entered: Branch
    change: tuple[Branch, BranchService] | None
    fault: HTTPFaultInjection | None


def render(branches: Sequence[Branch], around: Around) -> list[Body]:
    """All objects for these branches together: Deployments, Services, then VirtualServices.

    Raises Invalid for what a cluster cannot reach: a process on the developer's machine.
    """
    objects: list[Body] = []
    owners: dict[tuple[str, str], tuple[Branch, str, BranchService]] = {}
    for branch in branches:
        for service, (owner, change) in effective(branch, around.branches).items():
            owners[owner.metadata.name, service] = (owner, service, change)
    for owner, service, change in owners.values():
        objects += _workload(owner, service, change, around)
    return [*objects, *_rules(branches, around)]


def local_paths(branches: Sequence[Branch], existing: Branches) -> list[str]:
    """What the branches name of this machine, one sentence each: a cluster does not have it."""
    sentences = []
    for branch in branches:
        for service, (owner, change) in effective(branch, existing).items():
            at = f"Branch {owner.metadata.namespace}/{owner.metadata.name}: spec.services[{service}].fork"
            if change.fork is None:
                continue
            if change.fork.working_dir:
                sentences.append(
                    f"{at}.workingDir: {change.fork.working_dir} is a folder of this machine and is left out; build an "
                    "image of it, and name that with --image"
                )
            words = (*change.fork.command, *change.fork.args, *(variable.value for variable in change.fork.env))
            sentences += [
                f"{at}: {word} is a path of this machine" for word in words if word.startswith("/") and word != "/"
            ]
    return list(dict.fromkeys(sentences))


def _workload(owner: Branch, service: str, change: BranchService, around: Around) -> list[Body]:
    path = f"spec.services[{service}]"
    existing = around.services.get((owner.metadata.namespace, service))
    if change.url:
        raise Invalid(
            [FieldError(f"{path}.url", f"{change.url} is a process on this machine, which a cluster cannot reach")],
            f"Branch {owner.metadata.namespace}/{owner.metadata.name}",
        )
    if change.version:
        return []
    if change.template is not None:
        deployment = of_template(owner, service, change.template)
        ports = change.template.ports or [
            ServicePort(port=port.container_port, name=port.name or "http")
            for container in change.template.spec.containers
            for port in container.ports
        ]
    else:
        candidates = baselines(existing, around.deployments) if existing is not None else []
        if change.fork is None or existing is None or not candidates:
            raise Invalid([FieldError(f"{path}.fork", f"Service {service} has no Deployment to copy")])
        # A folder of this machine is none of the cluster's.
        portable = msgspec.structs.replace(change.fork, working_dir="", interactive=False)
        deployment = fork(owner, service, portable, baseline_of(change.fork.deployment, candidates))
        ports = existing.spec.ports
    labels = _own_labels(deployment, service, owner.metadata.name)
    deployment["metadata"].pop("ownerReferences", None)
    deployment["metadata"]["labels"] = labels
    deployment["spec"]["selector"] = {"matchLabels": labels}
    deployment["spec"]["template"]["metadata"]["labels"] = labels
    names = [deployment_name(service, owner.metadata.name)]
    if existing is None:
        names.append(service)
    return [deployment, *(_service(name, owner.metadata.namespace, labels, ports) for name in names)]


def _own_labels(deployment: Body, service: str, branch: str) -> dict[str, str]:
    """The fork's labels, with other values for those that Services of the baseline select by."""
    labels: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    others = {key: value for key, value in labels.items() if key not in (BRANCH_LABEL, SERVICE_LABEL)}
    return {**others, "app": deployment_name(service, branch), "branch": branch, "version": branch}


def _service(name: str, namespace: str, labels: Mapping[str, str], ports: Iterable[ServicePort]) -> Body:
    rendered = []
    for number, port in enumerate(ports):
        body: Body = {"name": port.name or f"http-{number}", "port": port.port}
        body["targetPort"] = port.target_port if port.target_port is not None else port.port
        if port.app_protocol:
            body["appProtocol"] = port.app_protocol
        rendered.append(body)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"selector": dict(labels), "ports": rendered},
    }


def _rules(branches: Sequence[Branch], around: Around) -> list[Body]:
    """The team's VirtualServices with the branches' routes before theirs, and new ones for hosts that have none."""
    changed: dict[tuple[str, str], list[_Difference]] = {}
    for branch in branches:
        changes, faults = effective(branch, around.branches), effective_faults(branch, around.branches)
        for service in dict.fromkeys((*changes, *faults)):
            difference = _Difference(branch, changes.get(service), faults.get(service))
            changed.setdefault((branch.metadata.namespace, service), []).append(difference)
    objects = []
    covered: set[tuple[str, str]] = set()
    for typed, body in around.rules:
        if not typed.spec.hosts:
            continue
        at_gateway = [gateway for gateway in typed.spec.gateways if gateway != "mesh"]
        in_mesh = not typed.spec.gateways or "mesh" in typed.spec.gateways
        hosts = {
            (space, name)
            for space, name in changed
            if in_mesh and set(typed.spec.hosts) & set(aliases(name, space, typed.metadata.namespace))
        }
        rows: list[Body] = []
        for row in body["spec"].get("http", []):
            if at_gateway:
                # Routes are tried in order: the kinds of entries must come in the order in which the mesh tries them,
                # for all branches together.
                rows += [
                    _entering(row, branch, entries, at_gateway, around)
                    for kind in ENTRY_ORDER
                    for branch in branches
                    if (entries := _entries(branch, kind))
                ]
            for branch in branches:
                rows += [
                    _inside(row, difference, name)
                    for space, name in sorted(hosts)
                    for difference in changed[space, name]
                    if difference.entered is branch
                ]
        covered |= hosts
        if rows:
            spec = {**body["spec"], "http": [*rows, *body["spec"].get("http", [])]}
            objects.append(_virtual_service(typed.metadata.name, typed.metadata.namespace, spec))
    for (space, name), differences in sorted(changed.items(), key=lambda pair: pair[0]):
        if (space, name) not in covered:
            plain: Body = {"route": [{"destination": {"host": name}}]}
            rows = [_inside(plain, difference, name) for difference in differences]
            last = [plain] if (space, name) in around.services else []
            objects.append(_virtual_service(name, space, {"hosts": [name], "http": [*rows, *last]}))
    return objects


def _virtual_service(name: str, namespace: str, spec: Body) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": ISTIO, "kind": "VirtualService", "metadata": metadata, "spec": spec}


def _entries(branch: Branch, kind: str) -> list[Body]:
    """Match conditions for the branch's entries of one kind, with the entries that its name implies."""
    blocks: list[Body] = []
    for entry in branch.spec.enter:
        value: NameValue | str | None = getattr(entry, kind)
        if value:
            blocks.append(_entry(kind, value))
    if kind == "baggage":
        blocks.append(_entry(kind, NameValue(BAGGAGE_MEMBER, branch.metadata.name)))
    if kind == "host":
        blocks.append({"authority": {"regex": rf"{re.escape(preview_host(branch.metadata.name))}(:[0-9]+)?"}})
    return blocks


def _entry(kind: str, value: NameValue | str) -> Body:
    if isinstance(value, str):
        return {"authority": {"exact": value}}
    match kind:
        case "cookie":
            return {"headers": {"cookie": {"regex": cookie_pattern(value.name, value.value)}}}
        case "header":
            return {"headers": {value.name.lower(): {"exact": value.value}}}
        case "query":
            return {"queryParams": {value.name: {"exact": value.value}}}
    return {"headers": {"baggage": {"regex": _member(value.name, value.value)}}}


def _entering(row: Body, branch: Branch, entries: Sequence[Body], gateways: Sequence[str], around: Around) -> Body:
    """A gateway's route for requests that enter the branch by these entries. It marks them for the next hops."""
    name = branch.metadata.name
    marked = {
        "request": {"set": {HEADER: name, "baggage": f"{BAGGAGE_MEMBER}={name}"}},
        "response": {"set": {HEADER: name}},
    }
    return {
        **_to(row, branch, around),
        "name": f"{name}-{row.get('name', 'enters')}",
        "match": [_both(block, {**entry, "gateways": list(gateways)}) for block in _blocks(row) for entry in entries],
        "headers": _merged_headers(row.get("headers") or {}, marked),
    }


def _to(row: Body, branch: Branch, around: Around) -> Body:
    """A route of any host, with the branch's destinations where it changes them."""
    changes, faults = effective(branch, around.branches), effective_faults(branch, around.branches)
    space = branch.metadata.namespace
    route = []
    fault: HTTPFaultInjection | None = None
    for target in row.get("route", []):
        host = target["destination"]["host"]
        names = [name for name in (*changes, *faults) if host in aliases(name, space, space)]
        name = next((name for name in names if name in changes), None)
        route.append(target if name is None else {**target, "destination": _destination(target, name, *changes[name])})
        fault = fault or next((faults[name] for name in names if name in faults), None)
    return _with_fault({**row, "route": route} if route else dict(row), fault)


def _with_fault(row: Body, fault: HTTPFaultInjection | None) -> Body:
    if fault is None:
        return row
    return {**row, "fault": {**(row.get("fault") or {}), **msgspec.to_builtins(fault)}}


def _inside(row: Body, difference: _Difference, service: str) -> Body:
    """A route of the service's own host, for requests in the branch."""
    name = difference.entered.metadata.name
    entries: list[Body] = [
        {"headers": {HEADER: {"exact": name}}, "gateways": ["mesh"]},
        {"headers": {"baggage": {"regex": _member(BAGGAGE_MEMBER, name)}}, "gateways": ["mesh"]},
        {"sourceLabels": {"branch": name}, "gateways": ["mesh"]},
    ]
    rendered: Body = {
        **row,
        "name": f"{name}-{row.get('name', service)}",
        "match": [_both(block, entry) for block in _blocks(row) for entry in entries],
    }
    if "route" not in row:
        return rendered
    if difference.change is not None:
        rendered["route"] = [{"destination": _destination(row["route"][0], service, *difference.change)}]
    return _with_fault(rendered, difference.fault)


def _destination(target: Body, service: str, owner: Branch, change: BranchService) -> Body:
    """Where a branch's requests go; the port stays."""
    port = {key: value for key, value in target["destination"].items() if key == "port"}
    if change.version:
        return {"host": service, "subset": change.version, **port}
    return {"host": deployment_name(service, owner.metadata.name), **port}


def _member(name: str, value: str) -> str:
    return rf"^(.*,\s*)?{re.escape(name)}\s*=\s*{re.escape(value)}(\s*[,;].*)?$"


def _blocks(row: Body) -> list[Body]:
    return row.get("match") or [{}]


def _both(block: Body, entry: Body) -> Body:
    """A match block with the entry's conditions added."""
    merged = {**block, **entry}
    for key in ("headers", "queryParams", "sourceLabels"):
        if block.get(key) or entry.get(key):
            merged[key] = {**block.get(key, {}), **entry.get(key, {})}
    return merged


def _merged_headers(former: Body, added: Body) -> Body:
    return {
        side: {**former.get(side, {}), "set": {**(former.get(side) or {}).get("set", {}), **added[side]["set"]}}
        for side in ("request", "response")
    }


def typed_pairs(bodies: Iterable[Body]) -> list[tuple[VirtualService, Body]]:
    """VirtualServices decoded, each with its body."""
    return [(msgspec.convert(body, VirtualService), body) for body in bodies]
