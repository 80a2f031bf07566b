"""`branch create --data`: which Services a store has, and which services use it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from mesh.daemon.failure import Failure
from mesh.resources.analysis.stores import (
    Workload,
    is_named,
    kind_and_name,
    other_services,
    pod_metadata,
    store_workloads,
)
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.meshmall.branch import BRANCH_LABEL
from mesh.resources.values.body import Body
from mesh.resources.values.problems import meant
from mesh.routing.destinations.protocol import Wire, wire_of
from meshmall.cli.context import Context

# Seconds of the topology that are looked at: all there are.
WINDOW = 300.0


class Namespace(NamedTuple):
    """What a branch's stores and their clients can be."""

    name: str
    services: Mapping[str, Service]
    workloads: list[Workload]

    @classmethod
    def of(cls, context: Context) -> "Namespace":
        space, client = context.namespace, context.client
        services = [msgspec.convert(body, Service) for body in client.list("", "Service", space)]
        workloads: list[Workload] = [
            *(msgspec.convert(body, StatefulSet) for body in client.list("apps", "StatefulSet", space)),
            *(msgspec.convert(body, Deployment) for body in client.list("apps", "Deployment", space)),
            *(msgspec.convert(body, Pod) for body in client.list("", "Pod", space)),
        ]
        return cls(space, {service.metadata.name: service for service in services}, workloads)


class Client(NamedTuple):
    """A service that uses a store; `why` is what was seen of it, `name` the Service or Deployment, "" if it is none."""

    name: str
    workload: str
    why: str


def resolve_stores(context: Context, body: Body, clients: str | None) -> list[str]:
    """Completes the stores of a new Branch: their Services and clients. Returns lines that say which and why.

    `clients` are names separated by commas; None: whoever was seen using the stores. Raises Failure when there is
    nothing of a store's name.
    """
    namespace = Namespace.of(context)
    stores: dict[str, Body] = {}
    for typed, store in body["spec"]["data"].items():
        name, workload = find_store(typed, namespace)
        if not store.get("url"):
            if workload is None:
                raise Failure(
                    f"--data {typed}: Service {name} has no workload here to copy", "use --data-url NAME=HOST:PORT"
                )
            store["workload"] = kind_and_name(workload)
            store["services"] = other_services(name, workload, namespace.services.values())
        stores[name] = {key: value for key, value in store.items() if value}
    body["spec"]["data"] = stores
    return [*_described(stores), *_with_clients(context, body, namespace, clients)]


def find_store(typed: str, namespace: Namespace) -> tuple[str, Workload | None]:
    """The Service and the workload that a name means: the Service's, or a workload's with a Service."""
    if (service := namespace.services.get(typed)) is not None:
        candidates = store_workloads(service, namespace.workloads)
        return typed, candidates[0] if candidates else None
    for workload in namespace.workloads:
        if is_named(typed, workload):
            names = other_services("", workload, namespace.services.values())
            if not names:
                raise Failure(f"--data {typed}: no Service leads to {kind_and_name(workload)}", "give it a Service")
            return names[0], workload
    likely = {*namespace.services, *(w.metadata.name for w in namespace.workloads if not isinstance(w, Pod))}
    raise Failure(
        f"--data {typed}: there is no Service or workload {typed!r} in {namespace.name}{meant(typed, likely)}"
    )


def _described(stores: Mapping[str, Body]) -> Iterable[str]:
    for name, store in stores.items():
        origin = store.get("url") or f"{store.get('from', 'baseline')}, {store['workload']}"
        yield f"store     {name}: {origin}"


def _with_clients(context: Context, body: Body, namespace: Namespace, clients: str | None) -> Iterable[str]:
    """Writes the clients into the stores; a client of several comes along once, with the first of them."""
    stores, forks = body["spec"]["data"], body["spec"].get("services", {})
    lines = []
    taken = {*stores, *(service for store in stores.values() for service in store.get("services", ())), *forks}
    edges = context.client.topology(WINDOW)["edges"] if clients is None else []
    for name, store in stores.items():
        if clients is None:
            seen = users_of({name, *store.get("services", ())}, edges, namespace)
        else:
            seen = [Client(word, word, "--data-clients") for word in clients.split(",") if word]
        for client in seen:
            if not client.name:
                lines.append(
                    f"[yellow]not forked[/]  {client.workload}, which uses {name} ({client.why}): no Deployment"
                )
            elif client.name not in taken:
                taken.add(client.name)
                store.setdefault("clients", []).append(client.name)
                lines.append(f"client    {client.name}: uses {name} ({client.why})")
        if not seen and clients is None and not forks and speaks_bytes(namespace.services[name]):
            lines.append(
                f"[yellow]client    none was seen using {name} in the last {WINDOW / 60:g} min[/]; name them: "
                "--data-clients a,b"
            )
    return lines


def speaks_bytes(service: Service) -> bool:
    """Whether some port of a Service may be anything but HTTP."""
    return any(wire_of(port) not in (Wire.HTTP, Wire.HTTP2) for port in service.spec.ports)


def users_of(services: Iterable[str], edges: Iterable[Body], namespace: Namespace) -> list[Client]:
    """The baseline's workloads that were seen sending bytes to these Services.

    Who sends HTTP stays in its branch by what it forwards, and need not come along.
    """
    targets = {f"{namespace.name}/{service}" for service in services}
    counts: dict[tuple[str, str], int] = {}
    branches = {
        workload.metadata.name
        for workload in namespace.workloads
        if BRANCH_LABEL in pod_metadata(workload).labels and not isinstance(workload, Pod)
    }
    for edge in edges:
        workload = edge["sourceWorkload"]
        space, _, name = edge["source"].partition("/")
        if edge["target"] not in targets or edge["source"] in targets or not workload or workload in branches:
            continue
        if edge["requests"] or edge["branch"]:
            continue
        if space == namespace.name:
            counts[name, workload] = counts.get((name, workload), 0) + edge["tcp"]["connections"]
    return [Client(_forked(*key, namespace), key[1], _seen(seen)) for key, seen in sorted(counts.items())]


def _forked(service: str, workload: str, namespace: Namespace) -> str:
    """What a fork of a client is named by: its Service, otherwise its Deployment; "" where it has neither."""
    deployments = {w.metadata.name for w in namespace.workloads if isinstance(w, Deployment)}
    if workload not in deployments:
        return ""
    return service if service in namespace.services else workload


def _seen(connections: int) -> str:
    count = f"{connections:,} {'connection' if connections == 1 else 'connections'}" if connections else "open"
    return f"{count} in the last {WINDOW / 60:g} min"


def reaching_baseline(context: Context, branch: Body) -> list[str]:
    """The services that requests of the branch pass through, unforked, and that use the baseline's store."""
    namespace = Namespace.of(context)
    name = branch["metadata"]["name"]
    inside = {
        workload
        for edge in context.client.topology(WINDOW, name)["edges"]
        if edge["byBranch"].get(name) and edge["requests"]
        for workload in [edge["targetWorkload"]]
    }
    edges = context.client.topology(WINDOW)["edges"]
    lines = []
    for store, spec in branch["spec"]["data"].items():
        services = {store, *spec.get("services", ())}
        lines += [
            f"{client.name or client.workload} serves requests of the branch and uses the baseline's {store} "
            f"({client.why}); fork it: --data-clients {client.name or client.workload}"
            for client in users_of(services, edges, namespace)
            if client.workload in inside
        ]
    return lines
