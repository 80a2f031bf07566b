"""One request held against a snapshot: which row takes it, why the earlier ones do not, where it goes. Pure.

What Envoy does with a route table, in words that a person can check. Regexes are RE2 in Envoy and Python's here;
the two agree on what rules are written with.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, HEADER
from mesh.routing.branches import overridden
from mesh.routing.model.listener import Listener, Role, Source
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.route import Forward, Redirect, Respond, Route
from mesh.routing.model.security import Access, AccessRule, Condition
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import Entries, RouteTable, VirtualHost

GATEWAY = "gateway"
DEFAULT_PORTS = {"http": 80, "https": 443}
# Who calls a gateway: somebody without an identity in the mesh.
NOBODY = Source("", "", ())
INGRESS_ACCOUNT = "istio-ingressgateway-service-account"
ACCESS_KINDS = {
    MatchKind.EXACT: "is not",
    MatchKind.PREFIX: "does not begin with",
    MatchKind.PATH_PREFIX: "is not below",
}


class CannotTell(ValueError):
    """The question names what is not there, or asks what only Envoy can say."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `authority` as the client writes it; `path` without the query; header names in lower case."""

    authority: str
    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "http"

    @classmethod
    def of(cls, url: str, method: str = "GET", headers: Sequence[tuple[str, str]] = ()) -> "Asked":
        """A request as a client would make it. Raises CannotTell for what is no URL of HTTP."""
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise CannotTell(f'"{url[:200]}" is not a URL as http://products:7000/products?ids=1')
        authority = parts.netloc.rpartition("@")[2].lower().removesuffix(f":{DEFAULT_PORTS[parts.scheme]}")
        lower = [(name.lower(), value) for name, value in headers]
        authority = next((value for name, value in lower if name == "host"), authority)
        others = tuple(pair for pair in lower if pair[0] != "host")
        return cls(authority, method, parts.path or "/", parts.query, others, parts.scheme)

    def value(self, name: str) -> str | None:
        """A header's value, several as one list; pseudo headers by their names."""
        target = self.path + (f"?{self.query}" if self.query else "")
        pseudo = {":method": self.method, ":authority": self.authority, ":scheme": self.scheme, ":path": target}
        if name in pseudo:
            return pseudo[name]
        found = self.values(name)
        return ",".join(found) if found else None

    def values(self, name: str) -> list[str]:
        """A header's values, one for each line; Envoy holds a match against each of them alone."""
        return [value for key, value in self.headers if key == name]

    @property
    def claims(self) -> Mapping[str, Any]:
        """What the token says that stands in Authorization; it is taken to be valid."""
        word, _, token = (self.value("authorization") or "").partition(" ")
        middle = token.split(".")[1:2] if word.lower() == "bearer" else []
        try:
            said = json.loads(base64.urlsafe_b64decode(middle[0] + "=" * (-len(middle[0]) % 4))) if middle else {}
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query's parameters as they stand there; of several of one name the first."""
        found: dict[str, str] = {}
        for part in self.query.split("&"):
            name, _, value = part.partition("=")
            found.setdefault(name, value)
        return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one row does with the request: `why` says what does not hold, or why it takes it."""

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
    source: Source | None = field(default=None)


def caller(snapshot: Snapshot, namespace: str, name: str, port: int) -> Caller:
    """The listener of a pod, by its name, its Deployment's or its label `app`; or of a gateway's port.

    Raises CannotTell with what there is.
    """
    if name in ("", GATEWAY):
        doors = [each for each in snapshot.listeners.values() if each.role is Role.GATEWAY and each.table]
        found = next((each for each in doors if port in (each.port, int(each.name.rpartition("|")[2]))), None)
        if found is None:
            there = ", ".join(sorted(str(each.port) for each in doors)) or "none"
            raise CannotTell(f"no gateway serves port {port} (served are {there}); --from names a pod as the caller")
        return Caller(found)
    sides = [each for each in snapshot.listeners.values() if each.source is not None and each.role is Role.SIDECAR]
    for each in sides:
        source = each.source
        assert source is not None
        names = (source.pod, source.workload, dict(source.labels).get("app"))
        if source.namespace == namespace and name in names:
            return Caller(each, source)
    known = {
        each.source.workload or each.source.pod for each in sides if each.source and each.source.namespace == namespace
    }
    raise CannotTell(
        f'no pod is named "{name}" in namespace {namespace} (there are {", ".join(sorted(known)) or "none"})'
    )


def decide(snapshot: Snapshot, at: Caller, asked: Asked) -> Decision:
    """What the table of a listener does with a request."""
    table = snapshot.tables[at.listener.table or ""]
    host = _host(table, asked.authority)
    if host is None:
        return Decision(table.name, None)
    branch = _branch(table.entries, asked, at.source)
    override = next((each for each in host.overrides if each.branch == branch), None)
    routes = overridden(host.routes, override) if override is not None else host.routes
    verdicts = []
    for route in routes:
        wrong = next(_wrong(route.match, asked, at.source), "")
        verdicts.append(Verdict(route, not wrong, wrong or said(route.match)))
        if not wrong:
            break
    return Decision(table.name, host, tuple(verdicts), branch if override is not None else "")


def _host(table: RouteTable, authority: str) -> VirtualHost | None:
    """Envoy's order: the exact domain, the longest `*.suffix`, the longest `prefix.*`, then `*`."""
    authority = authority.lower()
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


def _branch(entries: Entries | None, asked: Asked, source: Source | None) -> str:
    """The branch that a request belongs to: found where it comes in from outside, carried within the mesh."""
    baggage = _members(asked.value("baggage"), ",")
    if entries is None:
        own = source.branch if source is not None else ""
        return asked.value(HEADER) or own or baggage.get(BAGGAGE_MEMBER, "")
    keys = {f"cookie:{name}={value}" for name, value in _members(asked.value("cookie"), ";").items()}
    keys |= {f"header:{name}={value}" for name, value in asked.headers}
    keys |= {f"query:{name}={value}" for name, value in asked.parameters.items()}
    keys |= {f"baggage:{name}={value}" for name, value in baggage.items()}
    keys.add(f"host:{asked.authority.partition(':')[0].lower()}")
    return next((each.branch for each in entries.entries if each.key in keys), "")


def _members(text: str | None, separator: str) -> Mapping[str, str]:
    pairs = (part.strip().partition("=") for part in (text or "").split(separator))
    return {name: value.partition(";")[0] for name, _, value in pairs if name}


def _wrong(match: Match, asked: Asked, source: Source | None) -> Iterator[str]:
    """What does not hold, in the words of the rule."""
    if match.path is not None and not holds(match.path, asked.path):
        yield f"path {asked.path} {_relation(match.path)}"
    for each in match.headers:
        lines: list[str | None] = [*asked.values(each.name)] or [asked.value(each.name)]
        fitting = next((value for value in lines if holds(each.pattern, value)), lines[-1])
        yield from _field("header", each, fitting)
    for each in match.query:
        yield from _field("query parameter", each, asked.parameters.get(each.name))
    for claim in match.claims:
        texts = claim_texts(asked.claims, claim.path)
        if any(holds(claim.pattern, text) for text in texts) is claim.invert:
            excluded = ", which is excluded" if claim.invert else ""
            yield f"the token's {'.'.join(claim.path)} is {', '.join(texts) or 'not there'}{excluded}"
    labels = dict(source.labels) if source is not None else {}
    for key, value in match.source_labels:
        if labels.get(key) != value:
            found = f'"{labels[key]}"' if key in labels else "none"
            yield f'the caller\'s label {key} is {found}, not "{value}"'
    if match.source_namespace and (source is None or source.namespace != match.source_namespace):
        yield f'the caller is not in namespace "{match.source_namespace}"'


def claim_texts(claims: Mapping[str, Any], path: Sequence[str]) -> list[str]:
    """The texts that a token says at a place: one, or a list of them."""
    found: Any = claims
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return found.split() if path in (("scope",), ("permission",)) else [found]
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _field(what: str, match: FieldMatch, value: str | None) -> Iterator[str]:
    if holds(match.pattern, value) is not match.invert:
        return
    name = match.name.removeprefix(":") if match.name.startswith(":") else f"{what} {match.name}"
    if value is None:
        yield f"{name} is missing"
    elif match.invert:
        yield f'{name} "{value}" is one of those excluded ({_wanted(match.pattern)})'
    else:
        yield f'{name} "{value}" {_relation(match.pattern)}'


def holds(pattern: Pattern, value: str | None) -> bool:
    """Whether a pattern takes a value. Raises CannotTell for a regex that only RE2 knows."""
    if value is None:
        return False
    if pattern.kind is MatchKind.PRESENT:
        return True
    if pattern.kind is MatchKind.REGEX:
        try:
            return re.fullmatch(pattern.value, value) is not None
        except re.error as error:
            raise CannotTell(f"{pattern.value} cannot be tried here: {error}") from None
    wanted = pattern.value
    if pattern.kind is MatchKind.PATH_PREFIX:
        return value == wanted or value.startswith(f"{wanted}/")
    if pattern.ignore_case:
        wanted, value = wanted.lower(), value.lower()
    return value == wanted if pattern.kind is MatchKind.EXACT else value.startswith(wanted)


def permits(layers: Sequence[Access], asked: Asked, source: Source | None) -> bool:
    """Whether AuthorizationPolicies let a request through; a gateway calls as Istio's own does."""
    for layer in layers:
        who = NOBODY if layer.at_gateway else source
        if any(_rule_holds(each, asked, who) for each in layer.deny):
            return False
        if layer.allow is not None and not any(_rule_holds(each, asked, who) for each in layer.allow):
            return False
    return True


def _rule_holds(rule: AccessRule, asked: Asked, source: Source | None) -> bool:
    return (
        all(_condition_holds(each, asked, source) for each in rule.when)
        and _one_holds(rule.sources, asked, source)
        and _one_holds(rule.operations, asked, source)
    )


def _one_holds(groups: Sequence[Sequence[Condition]], asked: Asked, source: Source | None) -> bool:
    return not groups or any(all(_condition_holds(each, asked, source) for each in group) for group in groups)


def _condition_holds(condition: Condition, asked: Asked, source: Source | None) -> bool:
    match condition.what:
        case "principal":
            value = (
                ""
                if source is NOBODY
                else source.principal
                if source is not None
                else f"cluster.local/ns/istio-system/sa/{INGRESS_ACCOUNT}"
            )
        case "namespace":
            value = source.namespace if source is not None else "istio-system"
        case "path":
            value = asked.path
        case "request principal":
            said = asked.claims
            value = f"{said['iss']}/{said['sub']}" if said.get("iss") and said.get("sub") else ""
        case "claim":
            texts = claim_texts(asked.claims, condition.claim)
            return any(_fits(each, text) for each in condition.values for text in texts) is not condition.negate
        case "ip" | "remote ip":
            raise CannotTell("who may call depends on the caller's address, which a dry run does not have")
        case what:
            value = asked.value(what.removeprefix("header ")) or ""
            if value and what == "header :authority":
                value = value.lower()
    return any(_fits(each, value) for each in condition.values) is not condition.negate


def _fits(wanted: str, value: str) -> bool:
    if wanted == "*":
        return bool(value)
    if wanted.endswith("*"):
        return value.startswith(wanted[:-1])
    return value.endswith(wanted[1:]) if wanted.startswith("*") else value == wanted


def _relation(pattern: Pattern) -> str:
    if pattern.kind is MatchKind.REGEX:
        return f"does not match {pattern.value}"
    return f'{ACCESS_KINDS.get(pattern.kind, "is not")} "{pattern.value}"'


def _wanted(pattern: Pattern) -> str:
    words = {
        MatchKind.EXACT: "is",
        MatchKind.PREFIX: "begins with",
        MatchKind.PATH_PREFIX: "is below",
        MatchKind.REGEX: "matches",
    }
    return f"{words.get(pattern.kind, 'is there')} {pattern.value}".rstrip()


def said(match: Match) -> str:
    """All conditions of a match in words."""
    parts = [f"path {_wanted(match.path)}"] if match.path is not None else []
    fields = (*match.headers, *match.query)
    parts += [f"{'not ' if each.invert else ''}{each.name} {_wanted(each.pattern)}" for each in fields]
    parts += [f"{'not ' if c.invert else ''}the token's {'.'.join(c.path)} {_wanted(c.pattern)}" for c in match.claims]
    parts += [f"the caller's {key} is {value}" for key, value in match.source_labels]
    return ", ".join(parts) or "it takes every request"


# -- the answer as JSON ------------------------------------------------------------------------------------


def explain(snapshot: Snapshot, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answers `{"url", "method", "headers": [[name, value]], "from", "namespace"}` with the decision as JSON.

    Raises CannotTell when the question is wrong.
    """
    url, headers = asked.get("url"), asked.get("headers") or []
    if not isinstance(url, str) or not isinstance(headers, list):
        raise CannotTell('asked is {"url": str, "headers": [[name, value]]}')
    pairs = [
        each for each in headers if isinstance(each, list) and len(each) == 2 and all(isinstance(s, str) for s in each)
    ]
    if len(pairs) != len(headers):
        raise CannotTell("headers: each is a name and a value")
    request = Asked.of(url, str(asked.get("method") or "GET").upper(), [(name, value) for name, value in pairs])
    try:
        port = urlsplit(url).port or DEFAULT_PORTS[request.scheme]
    except ValueError as error:
        raise CannotTell(f"{url[:200]}: {error}") from None
    at = caller(snapshot, str(asked.get("namespace") or ""), str(asked.get("from") or ""), port)
    decision = decide(snapshot, at, request)
    found = {
        "from": f"{at.source.namespace}/{at.source.pod}" if at.source is not None else at.listener.name,
        "table": decision.table,
        "host": decision.host.name if decision.host is not None else None,
        "branch": decision.branch,
        "rows": [{"name": each.route.name, "taken": each.taken, "why": each.why} for each in decision.verdicts],
    }
    outcome = _outcome(snapshot, decision.route)
    door = snapshot.authentications.get(at.listener.name)
    if door is not None and door.asked and decision.route is not None:
        names = ", ".join(dict.fromkeys(name for each in door.asked for name in each))
        outcome["also"] = [f"a token that is brought must be valid ({names}): 401 else", *outcome["also"]]
    if request.claims:
        outcome["also"] = ["its token is taken to be valid; Envoy looks at that", *outcome["also"]]
    if decision.route is not None and not permits(decision.route.access, request, at.source):
        outcome["also"] = ["an AuthorizationPolicy does not let it through: 403", *outcome["also"]]
    return {**found, **outcome}


def _outcome(snapshot: Snapshot, route: Route | None) -> dict[str, Any]:
    if route is None:
        return {"does": "respond", "status": 404, "destinations": [], "also": []}
    action, also = route.action, list(effects(route))
    match action:
        case Respond():
            return {"does": "respond", "status": action.status, "body": action.body, "destinations": [], "also": also}
        case Redirect():
            where = {name: getattr(action, name) for name in ("scheme", "authority", "port", "path", "prefix", "regex")}
            to = {name: value for name, value in where.items() if value is not None}
            return {"does": "redirect", "status": action.status, "to": to, "destinations": [], "also": also}
    total = sum(each.weight for each in action.to) or 1
    destinations = [
        {
            "cluster": each.cluster,
            "percent": round(100 * each.weight / total, 2),
            "pods": [f"{end.pod} {end.address}:{end.port}".strip() for end in snapshot.endpoints.get(each.cluster, ())],
        }
        for each in action.to
    ]
    return {"does": "forward", "destinations": destinations, "also": also}


def effects(route: Route) -> Iterator[str]:
    """What happens besides, one line each."""
    fault, action = route.fault, route.action
    if route.authentication:
        yield f"a token that is brought must be valid ({', '.join(route.authentication)}): 401 else"
    if fault is not None and fault.abort_status is not None:
        yield f"fault: {fault.abort_percent:g} % are answered {fault.abort_status}"
    if fault is not None and fault.abort_grpc is not None:
        yield f"fault: {fault.abort_percent:g} % are answered with the gRPC status {fault.abort_grpc}"
    if fault is not None and fault.delay is not None:
        yield f"fault: {fault.delay_percent:g} % wait {fault.delay:g} s"
    if isinstance(action, Forward):
        if action.timeout is not None:
            yield f"timeout {action.timeout:g} s"
        if action.retry is not None:
            yield f"{action.retry.attempts} retries on {', '.join(action.retry.retry_on)}"
        for name in ("authority", "prefix", "regex"):
            value = getattr(action.rewrite, name) if action.rewrite is not None else None
            if value is not None:
                yield f"rewrites the {'path' if name != 'authority' else name}: {value}"
        for cluster, percent in action.mirrors:
            yield f"{percent:g} % are copied to {cluster}"
