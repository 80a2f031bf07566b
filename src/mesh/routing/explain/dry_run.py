"""One request held against a snapshot: which row takes it, why the earlier ones do not, where it goes. Pure.

What Envoy does with a route table, in words that a person can check.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mesh.resources.values.hosts import SCHEME_PORTS, covers, specificity
from mesh.routing.branches.overrides import overridden
from mesh.routing.explain.access import permits
from mesh.routing.explain.branch import branch_carried, branch_entered
from mesh.routing.explain.match import mismatches
from mesh.routing.explain.request import CannotTell, HttpRequest
from mesh.routing.explain.words import describe_match, effects, token_must_be_valid
from mesh.routing.model.listener import Listener, Role, Source
from mesh.routing.model.route import Redirect, Respond, Route
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import RouteTable, VirtualHost

GATEWAY = "gateway"
PORT = re.compile(r":\d*$")
REDIRECT_FIELDS = ("scheme", "authority", "port", "path", "prefix", "regex")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one row does with the request: `why` says what does not fit, or why the row takes it."""

    route: Route
    taken: bool
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`host` is None where no host of the table takes the authority; the last verdict is the one that counts."""

    table: str
    host: VirtualHost | None
    verdicts: tuple[Verdict, ...] = ()
    branch: str = ""

    @property
    def route(self) -> Route | None:
        """The row that takes the request; None when there is none (404)."""
        return self.verdicts[-1].route if self.verdicts and self.verdicts[-1].taken else None


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes in: the listener, and who calls through it."""

    listener: Listener
    source: Source | None = None

    @property
    def name(self) -> str:
        return f"{self.source.namespace}/{self.source.pod}" if self.source is not None else self.listener.name


def caller(snapshot: Snapshot, namespace: str, name: str, port: int, address: str = "") -> Caller:
    """The listener of a pod, by its name, its Deployment's or its label `app`; or of a gateway's port, the one at an
    `address` where there are several.

    Raises CannotTell with the names there are.
    """
    if name in ("", GATEWAY):
        return _gateway(snapshot, port, address)
    pods = [
        (listener, listener.source)
        for listener in snapshot.listeners.values()
        if listener.role is Role.SIDECAR and listener.source is not None and listener.source.namespace == namespace
    ]
    for listener, source in pods:
        if name in (source.pod, source.workload, dict(source.labels).get("app")):
            return Caller(listener, source)
    names = ", ".join(sorted({source.workload or source.pod for _, source in pods})) or "none"
    raise CannotTell(f'no pod is named "{name}" in namespace {namespace} (there are {names})')


def _gateway(snapshot: Snapshot, port: int, address: str) -> Caller:
    """A gateway's listener by the port that clients call, or the Gateway's own, which may be another one here."""
    gateways = [
        listener for listener in snapshot.listeners.values() if listener.role is Role.GATEWAY and listener.table
    ]
    # Gateways of the Gateway API have addresses of their own, with the same ports.
    for listener in sorted(gateways, key=lambda listener: listener.address != address):
        if port in (listener.port, int(listener.name.rpartition("|")[2])):
            return Caller(listener)
    ports = ", ".join(sorted(str(listener.port) for listener in gateways)) or "none"
    raise CannotTell(f"no gateway serves port {port} (served are {ports}); --from names a pod as the caller")


def decide(snapshot: Snapshot, at: Caller, request: HttpRequest) -> Decision:
    """What the table of a listener does with a request."""
    table = snapshot.tables[_table(at.listener, request.authority)]
    host = _host(table, request.authority)
    if host is None:
        return Decision(table.name, None)
    # A host that nobody knows, at the address of a Service: that Service's rules.
    alternative = dict(host.by_destination).get(request.destination)
    if alternative is not None:
        host = _host(table, alternative) or host
    entries = table.entries
    branch = branch_carried(table.marks, request, at.source) if entries is None else branch_entered(entries, request)
    override = next((override for override in host.overrides if override.branch == branch), None)
    routes = overridden(host.routes, override) if override is not None else host.routes
    verdicts = []
    for route in routes:
        mismatch = next(mismatches(route.match, request, at.source), "")
        verdicts.append(Verdict(route, not mismatch, mismatch or describe_match(route.match)))
        if not mismatch:
            break
    return Decision(table.name, host, tuple(verdicts), branch if override is not None else "")


def _table(listener: Listener, authority: str) -> str:
    """The table for a request: with TLS, that of the name that the client asked for, which is the request's host."""
    name = authority.rpartition(":")[0] or authority
    chains = [chain for chain in listener.chains if chain.table]
    fitting = [(specificity(host), chain.table) for chain in chains for host in chain.names if covers(host, name)]
    return min(fitting)[1] if fitting else listener.table or ""


def _host(table: RouteTable, authority: str) -> VirtualHost | None:
    """Envoy's order: the exact domain, the longest `*.suffix`, the longest `prefix.*`, then `*`."""
    authority = authority.lower()
    if table.ignores_ports:
        authority = PORT.sub("", authority)
    best: tuple[tuple[int, int], VirtualHost] | None = None
    for host in table.hosts:
        for domain in host.domains:
            if domain == authority:
                rank = (3, 0)
            elif domain == "*":
                rank = (0, 0)
            elif domain.startswith("*") and authority.endswith(domain[1:]) and len(authority) > len(domain) - 1:
                rank = (2, len(domain))
            elif domain.endswith("*") and authority.startswith(domain[:-1]) and len(authority) > len(domain) - 1:
                rank = (1, len(domain))
            else:
                continue
            if best is None or rank > best[0]:
                best = (rank, host)
    return best[1] if best is not None else None


def explain(snapshot: Snapshot, question: Mapping[str, Any]) -> dict[str, Any]:
    """Answers `{"url", "method", "headers": [[name, value]], "from", "namespace"}` with the decision as JSON.

    Raises CannotTell when the question is wrong.
    """
    request, port = _parsed(question)
    address = request.destination.rpartition(":")[0]
    at = caller(snapshot, str(question.get("namespace") or ""), str(question.get("from") or ""), port, address)
    decision = decide(snapshot, at, request)
    outcome = _outcome(snapshot, decision.route, request.path)
    outcome["also"] = [*_conditions(snapshot, at, request, decision.route), *outcome["also"]]
    return {
        "from": at.name,
        "table": decision.table,
        "host": decision.host.name if decision.host is not None else None,
        "branch": decision.branch,
        "rows": [{"name": row.route.name, "taken": row.taken, "why": row.why} for row in decision.verdicts],
        **outcome,
    }


def _parsed(question: Mapping[str, Any]) -> tuple[HttpRequest, int]:
    """The request, and the port that its URL names."""
    url, headers = question.get("url"), question.get("headers") or []
    if not isinstance(url, str) or not isinstance(headers, list):
        raise CannotTell('the question must be {"url": str, "headers": [[name, value]]}')
    pairs: list[tuple[str, str]] = []
    for header in headers:
        if not (isinstance(header, list) and len(header) == 2 and all(isinstance(part, str) for part in header)):
            raise CannotTell("headers: each must be [name, value]")
        pairs.append((header[0], header[1]))
    request = HttpRequest.of(url, str(question.get("method") or "GET").upper(), pairs)
    try:
        return request, urlsplit(url).port or SCHEME_PORTS[request.scheme]
    except ValueError as error:
        raise CannotTell(f"{url[:200]}: {error}") from None


def _conditions(snapshot: Snapshot, at: Caller, request: HttpRequest, route: Route | None) -> list[str]:
    """What must hold besides the row's match, the one that decides first."""
    lines = []
    if route is not None and not permits(route.access, request, at.source):
        lines.append("an AuthorizationPolicy denies it: 403")
    if request.claims:
        lines.append("its token is assumed to be valid; Envoy checks it")
    authentication = snapshot.authentications.get(at.listener.name)
    if authentication is not None and authentication.requirements and route is not None:
        providers = dict.fromkeys(name for requirement in authentication.requirements for name in requirement)
        lines.append(token_must_be_valid(tuple(providers)))
    return lines


def _outcome(snapshot: Snapshot, route: Route | None, path: str) -> dict[str, Any]:
    if route is None:
        return {"does": "respond", "status": 404, "destinations": [], "also": []}
    action, also = route.action, list(effects(route, path))
    match action:
        case Respond():
            return {"does": "respond", "status": action.status, "body": action.body, "destinations": [], "also": also}
        case Redirect():
            to = {name: value for name in REDIRECT_FIELDS if (value := getattr(action, name)) is not None}
            return {"does": "redirect", "status": action.status, "to": to, "destinations": [], "also": also}
    total = sum(destination.weight for destination in action.to) or 1
    destinations = [
        {
            "cluster": to.cluster,
            "percent": round(100 * to.weight / total, 2),
            "pods": [f"{end.pod} {end.address}:{end.port}".strip() for end in snapshot.endpoints.get(to.cluster, ())],
        }
        for to in action.to
    ]
    return {"does": "forward", "destinations": destinations, "also": also}
