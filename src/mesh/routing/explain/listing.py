"""The rows of a service or a gateway in the order in which Envoy tries them, for people. Pure."""

from collections.abc import Iterator
from typing import Any

from mesh.resources.values.hosts import service_host
from mesh.routing.explain.words import describe_match, effects, fault_lines
from mesh.routing.model.route import Forward, Redirect, Respond, Route, WeightedCluster
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import BranchOverride, VirtualHost

GATEWAY = "gateway"


def services(snapshot: Snapshot) -> list[dict[str, Any]]:
    """What has rows: `{"id", "rows"}`, the gateway first."""
    counts: dict[str, int] = {}
    for id_, host in _hosts(snapshot):
        counts[id_] = counts.get(id_, 0) + len(host.routes)
    return [
        {"id": id_, "rows": rows}
        for id_, rows in sorted(counts.items(), key=lambda pair: (pair[0] != GATEWAY, pair[0]))
    ]


def listing(snapshot: Snapshot, service: str) -> dict[str, Any]:
    """The rows of one: "namespace/name", the host of a ServiceEntry, or "gateway".

    Raises LookupError for what has none.

    Rows are tried from the first to the last. `branches` are those whose requests go elsewhere from here; where that
    is refused, since the branch is not ready, `refusal` says so.
    """
    hosts = [host for id_, host in _hosts(snapshot) if id_ == service]
    if not hosts:
        raise LookupError(f'no service is named "{service}"')
    rows, branches = [], []
    for host in hosts:
        for number, route in enumerate(host.routes, 1):
            rows.append({"number": number, "host": host.name, **_row(route)})
        branches += [_branch(host, override) for override in host.overrides]
    return {
        "service": service,
        "hosts": sorted({domain for host in hosts for domain in host.domains}),
        "rows": rows,
        "branches": branches,
    }


def _hosts(snapshot: Snapshot) -> Iterator[tuple[str, VirtualHost]]:
    """Each host once, as the namespace that it belongs to sees it."""
    for name, table in sorted(snapshot.tables.items()):
        kind, _, namespace = name.partition("|")
        if kind == "outbound":
            for host in table.hosts:
                if id_ := _id(host, namespace):
                    yield id_, host
        elif kind not in ("clusterip", "nodeport"):
            for host in table.hosts:
                yield GATEWAY, host


def _id(host: VirtualHost, namespace: str) -> str:
    """What a host is called in lists; "" for the services of other namespaces, which list them themselves."""
    full = host.name.rpartition(":")[0]
    name, _, rest = full.partition(".")
    if full == service_host(name, namespace):
        return f"{namespace}/{name}"
    return "" if not full or rest.endswith("svc.cluster.local") or "|" in full else full


def _row(route: Route) -> dict[str, Any]:
    lines = list(effects(route))
    match route.action:
        case Respond() as answer:
            lines.insert(0, f"answers {answer.status}" + (f": {answer.body[:200]}" if answer.body else ""))
        case Redirect() as redirect:
            lines.insert(0, f"redirects ({redirect.status})")
    origin = route.origins[0] if route.origins else None
    return {
        "name": route.name,
        "matches": [describe_match(route.match)],
        "destinations": _destinations(route.action.to) if isinstance(route.action, Forward) else [],
        "effects": lines,
        "origin": {"kind": origin.kind, "namespace": origin.namespace, "name": origin.name} if origin else None,
    }


def _destinations(to: tuple[WeightedCluster, ...]) -> list[dict[str, Any]]:
    total = sum(destination.weight for destination in to) or 1
    return [{"to": destination.cluster, "weight": round(100 * destination.weight / total, 2)} for destination in to]


def _branch(host: VirtualHost, override: BranchOverride) -> dict[str, Any]:
    to = sorted({cluster for _, cluster in override.swap if cluster})
    faults = dict.fromkeys(line for _, fault in override.faults for line in fault_lines(fault))
    return {
        "branch": override.branch,
        "host": host.name,
        "to": to,
        "refusal": override.refusal,
        "faults": list(faults),
    }
