"""What Istio's rules mean, in plain Python: a request and the objects in, the set of allowed outcomes out.

Written from Istio's reference of VirtualService and DestinationRule, and corrected by what a real istiod does (see
`tests/conformance/istiod`). It knows nothing of `mesh`: objects are the JSON that a user wrote, and every question is
answered by looking through them again. Where the reference leaves something open, all readings are allowed.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

Json = Mapping[str, Any]
DOMAIN = ".svc.cluster.local"
# At a gateway its own pod is the caller.
GATEWAY_NAMESPACE = "istio-system"
GATEWAY_LABELS = {"istio": "ingressgateway"}


@dataclass(frozen=True)
class Request:
    """`place` is "mesh" or a gateway ("ns/name"); `namespace` and `labels` are the caller's in the mesh.

    `port` is the Service's in the mesh, the Gateway's at a gateway; `arrived` the one the client really called.
    """

    place: str
    host: str
    port: int
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    namespace: str = "mesh"
    labels: Mapping[str, str] = field(default_factory=dict)
    authority: str = ""
    arrived: int = 0
    line_by_line: bool = False

    def value(self, name: str) -> str | None:
        """A header's value; several are one list (RFC 9110, 5.3). None when it is not there."""
        special = {":authority": self.authority, ":method": self.method, ":scheme": "http", ":path": self.target}
        if name in special:
            return special[name]
        found = self.values(name)
        return ",".join(found) if found else None

    def values(self, name: str) -> list[str]:
        """A header's values, one for each line."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def has(self, match: Json, name: str) -> bool:
        """Whether a header fits. Of several lines each may be looked at alone: the reference does not say."""
        values = self.values(name)
        if len(values) > 1 and self.line_by_line:
            return any(holds(match, value) for value in values)
        return holds(match, self.value(name))

    @property
    def target(self) -> str:
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def parameters(self) -> Mapping[str, str]:
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class Outcome:
    """What may happen. Of `sent` and `answered`, header to the values that are allowed (None: not there)."""

    why: str
    status: int
    pods: frozenset[str] = frozenset()
    target: str = ""
    authority: str = ""
    location: str | None = None
    body: str | None = None
    sent: tuple[tuple[str, frozenset[str | None]], ...] = ()
    answered: tuple[tuple[str, frozenset[str | None]], ...] = ()
    copies: tuple[frozenset[str], ...] = ()


class Reference:
    """Answers for one set of objects. `answer_headers` are what every pod answers with."""

    def __init__(self, objects: Sequence[Json], answer_headers: Mapping[str, str]) -> None:
        self._objects = objects
        self._answer_headers = answer_headers

    def _of(self, kind: str) -> Iterator[Json]:
        return (item for item in self._objects if item["kind"] == kind)

    # -- hosts ---------------------------------------------------------------------------------------------

    @staticmethod
    def full(host: str, namespace: str) -> str:
        """Short names are a Service of the rule's own namespace."""
        return host if "." in host or "*" in host else f"{host}.{namespace}{DOMAIN}"

    def allowed(self, request: Request) -> list[Outcome]:
        """Every outcome that the rules allow for a request."""
        return [outcome for lines in (False, True) for outcome in self._read(replace(request, line_by_line=lines))]

    def _read(self, request: Request) -> list[Outcome]:
        possible = [rows for rule in self._rules(request) if (rows := self._possible(rule, request))]
        if not possible:
            return self._without_rules(request)
        if request.place == "mesh":
            # Inside the mesh one rule counts: the first that has a route for the caller.
            rows = possible[0]
        else:
            rows = [row for rows in possible for row in rows]
            rows.sort(key=lambda row: unconditional(row[1]))
        for route, block, owner in rows:
            if self._holds(block, request):
                return self._act(route, block, owner, request)
        return [Outcome("no route holds", 404)]

    def _rules(self, request: Request) -> list[Json]:
        """The VirtualServices of the narrowest host that takes the request's, at its place, in the order in which they
        count: private ones before those that name the namespace, these before public ones, then older ones first."""
        best: list[tuple[tuple[int, int], Json]] = []
        for rule in self._of("VirtualService"):
            spec, namespace = rule["spec"], rule["metadata"]["namespace"]
            if not spec.get("hosts"):
                continue
            bound = [qualified(gateway, namespace) for gateway in spec.get("gateways") or ["mesh"]]
            if request.place not in bound or not self._exported(rule, request):
                continue
            # At a gateway a rule without a route for it does not exist, and a wider host takes its requests.
            if request.place != "mesh" and not self._possible(rule, request):
                continue
            if request.place == "mesh" and not self._is_called_there(rule, request):
                continue
            expected = self.full(request.host, request.namespace) if request.place == "mesh" else request.host
            for host in spec["hosts"]:
                pattern = self.full(host, namespace)
                if pattern == expected:
                    best.append(((1, len(pattern)), rule))
                elif pattern == "*" or (pattern.startswith("*") and expected.endswith(pattern[1:])):
                    best.append(((0, len(pattern)), rule))
        top = max((rank for rank, _ in best), default=None)
        rules = [rule for rank, rule in best if rank == top]
        rules.sort(key=lambda rule: visibility(rule, caller_namespace(request)))
        # Of a wildcard one rule counts inside the mesh, whether or not it has a route for the caller.
        return rules[:1] if request.place == "mesh" and top is not None and top[0] == 0 else rules

    def _is_called_there(self, rule: Json, request: Request) -> bool:
        """A host that is no Service's is called at port 80, and at the ports of Services that a rule names as well."""
        if request.port == 80 or self._pods({"host": request.host}, request.namespace) is not None:
            return True
        ports = {port for host in rule["spec"]["hosts"] for port in self._ports(host, rule["metadata"]["namespace"])}
        return request.port in ports

    def _ports(self, host: str, namespace: str) -> set[int]:
        full = self.full(host, namespace)
        return {
            port["port"]
            for service in self._of("Service")
            if full == f"{service['metadata']['name']}.{service['metadata']['namespace']}{DOMAIN}"
            for port in service["spec"]["ports"]
        }

    @staticmethod
    def _exported(rule: Json, request: Request) -> bool:
        shown = rule["spec"].get("exportTo") or ["*"]
        own, caller = rule["metadata"]["namespace"], caller_namespace(request)
        return any(item in ("*", caller) or (item == "." and caller == own) for item in shown)

    def _without_rules(self, request: Request) -> list[Outcome]:
        if request.place != "mesh":
            return [Outcome("no rule for this host", 404)]
        pods = self._pods({"host": request.host}, request.namespace)
        if pods is None:
            return [Outcome("an unknown host", 502)]
        return [self._forwarded("a Service without rules", pods, request, request.target, request.authority)]

    # -- which route ---------------------------------------------------------------------------------------

    def _possible(self, rule: Json, request: Request) -> list[tuple[Json, Json, Json]]:
        """The routes that the caller can reach at all, with their blocks; none after one of every request."""
        rows = []
        for route, block, owner in self._rows(rule):
            if self._concerns(block, owner, request):
                rows.append((route, block, owner))
                if unconditional(block):
                    break
        return rows

    def _rows(self, rule: Json) -> Iterator[tuple[Json, Json, Json]]:
        for route in rule["spec"].get("http", []):
            if "delegate" not in route:
                yield from ((route, block, rule) for block in route.get("match") or [{}])
                continue
            namespace = rule["metadata"]["namespace"]
            inner = self._delegate(route["delegate"], namespace)
            if inner and not exported_to(inner, namespace):
                continue
            for item in inner["spec"]["http"] if inner else ():
                merged = delegated(route, item)
                if merged is not None and inner is not None:
                    yield from ((merged, block, {**rule, "owner": inner}) for block in merged.get("match") or [{}])

    def _delegate(self, named: Json, namespace: str) -> Json | None:
        for rule in self._of("VirtualService"):
            meta = rule["metadata"]
            expected = (named["name"], named.get("namespace", namespace))
            if (meta["name"], meta["namespace"]) == expected and not rule["spec"].get("hosts"):
                return rule
        return None

    @staticmethod
    def _concerns(block: Json, rule: Json, request: Request) -> bool:
        """Whether a block is for the place and the caller; one that names gateways is for every caller there."""
        namespace = rule["metadata"]["namespace"]
        if block.get("port") and block["port"] != request.port:
            return False
        if gateways := block.get("gateways"):
            return request.place in {qualified(gateway, namespace) for gateway in gateways}
        if block.get("sourceNamespace") and block["sourceNamespace"] != caller_namespace(request):
            return False
        labels = request.labels if request.place == "mesh" else GATEWAY_LABELS
        return all(labels.get(key) == value for key, value in block.get("sourceLabels", {}).items())

    def _holds(self, block: Json, request: Request) -> bool:
        """What a block asks of the request itself."""
        if "uri" in block and not holds(block["uri"], request.path, ignore_case=block.get("ignoreUriCase", False)):
            return False
        for name in ("scheme", "method", "authority"):
            if name in block and not holds(block[name], request.value(f":{name}")):
                return False
        if not all(request.has(match, name) for name, match in block.get("headers", {}).items()):
            return False
        # A header that is missing counts as an empty one, but where presence alone is excluded.
        if any(
            request.has(match, name) or (match and not request.values(name) and holds(match, ""))
            for name, match in block.get("withoutHeaders", {}).items()
        ):
            return False
        parameters = request.parameters
        return all(holds(match, parameters.get(name)) for name, match in block.get("queryParams", {}).items())

    # -- what it does --------------------------------------------------------------------------------------

    def _act(self, route: Json, block: Json, rule: Json, request: Request) -> list[Outcome]:
        why = f"{rule['metadata']['name']}: {route.get('name', '')} {dict(block)}"
        found: list[Outcome] = []
        abort = route.get("fault", {}).get("abort")
        # Istio: "If not specified, no request will be aborted."
        share = abort.get("percentage", {}).get("value", 0) if abort else 0
        if abort and share:
            found.append(Outcome(f"{why}: fault", abort["httpStatus"]))
        if share == 100:
            return found
        preflight, ends = self._preflight(route, request, why)
        found += preflight
        if ends:
            return found
        if "redirect" in route:
            found.append(self._redirect(route, request, why))
        elif "directResponse" in route:
            found.append(self._respond(route, why))
        else:
            found += self._destinations(route, block, rule, request, why)
        return found

    def _preflight(self, route: Json, request: Request, why: str) -> tuple[list[Outcome], bool]:
        """A CORS preflight of an allowed origin is answered at once; what else may happen is not said of others
        that must not be forwarded, but that nobody is told they may call."""
        policy, origin = route.get("corsPolicy"), request.value("origin")
        asked = request.value("access-control-request-method")
        if policy is None or request.method != "OPTIONS" or not origin or not asked:
            return [], False
        if any(holds(allowed, origin) for allowed in policy.get("allowOrigins", [])):
            allow = [("access-control-allow-origin", frozenset((origin,)))]
            if policy.get("allowMethods"):
                allow.append(("access-control-allow-methods", frozenset((",".join(policy["allowMethods"]),))))
            return [Outcome(f"{why}: preflight", 200, answered=tuple(allow))], True
        if policy.get("unmatchedPreflights") == "IGNORE":
            silent = (("access-control-allow-origin", frozenset((None,))),)
            return [Outcome(f"{why}: preflight", 200, answered=silent)], True
        return [], False

    @staticmethod
    def _redirect(route: Json, request: Request, why: str) -> Outcome:
        redirect = route["redirect"]
        host, _, port = request.authority.partition(":")
        scheme = redirect.get("scheme", "http")
        # A port that is named counts, but for the scheme's own; else the request's own stays with the request's own
        # host. The scheme that is left takes its default port with it.
        new = redirect.get("port")
        if redirect.get("derivePort") == "FROM_REQUEST_PORT":
            new = request.port
        if new and new != {"http": 80, "https": 443}[scheme]:
            port = str(new if "port" in redirect else request.arrived)
        elif "authority" in redirect:
            port = ""
        host = redirect.get("authority", host)
        path = redirect.get("uri", request.path)
        location = f"{scheme}://{host}{f':{port}' if port else ''}{path}"
        location += f"?{request.query}" if request.query else ""
        return Outcome(f"{why}: redirect", redirect.get("redirectCode", 301), location=location)

    def _respond(self, route: Json, why: str) -> Outcome:
        response = route["directResponse"]
        body = response.get("body", {})
        text = base64.b64decode(body["bytes"]).decode() if "bytes" in body else body.get("string", "")
        answered = changed({}, [operations(route, "response")])
        return Outcome(f"{why}: answer", response["status"], body=text, answered=answered)

    def _destinations(self, route: Json, block: Json, rule: Json, request: Request, why: str) -> list[Outcome]:
        namespace = rule.get("owner", rule)["metadata"]["namespace"]
        found = []
        destinations = route["route"]
        for destination in destinations:
            if len(destinations) > 1 and not destination.get("weight"):
                continue
            pods = self._pods(destination["destination"], namespace)
            if not pods:
                found.append(Outcome(f"{why}: nobody is there", 503))
                continue
            target = rewritten(route.get("rewrite", {}), block, request)
            levels = [operations(destination, "request"), operations(route, "request")]
            back = [operations(destination, "response"), operations(route, "response")]
            copies = tuple(self._copies(route, namespace))
            found += [
                self._forwarded(why, pods, request, target, authority, levels, back, copies)
                for authority in authorities(route, levels, request)
            ]
        return found

    def _forwarded(
        self,
        why: str,
        pods: frozenset[str],
        request: Request,
        target: str,
        authority: str,
        levels: Sequence[Json] = (),
        back: Sequence[Json] = (),
        copies: tuple[frozenset[str], ...] = (),
    ) -> Outcome:
        headers = {name.lower(): request.value(name) or "" for name, _ in request.headers}
        sent = changed(headers, levels)
        answered = changed(self._answer_headers, back)
        return Outcome(why, 200, pods, target, authority, sent=sent, answered=answered, copies=copies)

    def _copies(self, route: Json, namespace: str) -> Iterator[frozenset[str]]:
        """Where copies must go; a share of 0 is none."""
        mirrors = list(route.get("mirrors", []))
        if "mirror" in route:
            share = {"percentage": route["mirrorPercentage"]} if "mirrorPercentage" in route else {}
            if "mirrorPercent" in route:
                share = {"percentage": {"value": route["mirrorPercent"]}}
            mirrors.append({"destination": route["mirror"], **share})
        for mirror in mirrors:
            share = mirror.get("percentage", {"value": 100}).get("value", 0)
            pods = self._pods(mirror["destination"], namespace)
            if share == 100 and pods:
                yield pods

    def _pods(self, destination: Json, namespace: str) -> frozenset[str] | None:
        """The ready pods of a destination; None when there is no such Service, or no such port of it."""
        host = self.full(destination["host"], namespace)
        for service in self._of("Service"):
            meta, spec = service["metadata"], service["spec"]
            if host != f"{meta['name']}.{meta['namespace']}{DOMAIN}":
                continue
            labels = dict(spec["selector"])
            if subset := destination.get("subset"):
                labels |= self._subset(host, subset)
            return frozenset(
                pod["metadata"]["name"]
                for pod in self._of("Pod")
                if pod["metadata"]["namespace"] == meta["namespace"]
                and all(pod["metadata"]["labels"].get(key) == value for key, value in labels.items())
            )
        return None

    def _subset(self, host: str, name: str) -> Mapping[str, str]:
        for rule in self._of("DestinationRule"):
            if self.full(rule["spec"]["host"], rule["metadata"]["namespace"]) == host:
                for subset in rule["spec"]["subsets"]:
                    if subset["name"] == name:
                        found: Mapping[str, str] = subset["labels"]
                        return found
        return {"no such": "subset"}


def caller_namespace(request: Request) -> str:
    return request.namespace if request.place == "mesh" else GATEWAY_NAMESPACE


def exported_to(rule: Json, namespace: str) -> bool:
    shown = rule["spec"].get("exportTo") or ["*"]
    own = rule["metadata"]["namespace"]
    return any(item in ("*", namespace) or (item == "." and namespace == own) for item in shown)


def visibility(rule: Json, namespace: str) -> int:
    shown = rule["spec"].get("exportTo") or ["*"]
    if "*" in shown:
        return 2
    return 0 if rule["metadata"]["namespace"] == namespace else 1


def qualified(gateway: str, namespace: str) -> str:
    return gateway if gateway == "mesh" or "/" in gateway else f"{namespace}/{gateway}"


def unconditional(block: Json) -> bool:
    """Whether a block asks for nothing of the request itself."""
    asked = ("scheme", "method", "authority", "headers", "withoutHeaders", "queryParams")
    every_path = block.get("uri") in (None, {"prefix": "/"}, {"regex": ".*"})
    return every_path and not any(block.get(name) for name in asked)


def holds(match: Json, value: str | None, *, ignore_case: bool = False) -> bool:
    """A StringMatch; an empty one asks for presence. Regexes are held against the whole value."""
    if value is None:
        return False
    if "regex" in match:
        return re.fullmatch(match["regex"], value) is not None
    if ignore_case:
        match = {how: text.lower() for how, text in match.items()}
        value = value.lower()
    if "exact" in match:
        return bool(value == match["exact"])
    if "prefix" in match:
        return value.startswith(match["prefix"])
    return True


def rewritten(rewrite: Json, block: Json, request: Request) -> str:
    """The target that is sent: the matched prefix is replaced, of any other match the whole path."""
    path, uri = request.path, block.get("uri")
    if pattern := rewrite.get("uriRegexRewrite"):
        path = re.sub(pattern["match"], pattern["rewrite"], path)
    elif "uri" in rewrite:
        if uri is None:
            path = rewrite["uri"] + path.removeprefix("/")
        elif "prefix" in uri:
            path = rewrite["uri"] + path[len(uri["prefix"]) :]
        else:
            path = rewrite["uri"]
    return path + (f"?{request.query}" if request.query else "")


def authorities(route: Json, levels: Sequence[Json], request: Request) -> Sequence[str]:
    """What the authority may be; where several parts of a rule set it, which one wins is not said."""
    said = [route["rewrite"]["authority"]] if "authority" in route.get("rewrite", {}) else []
    for level in levels:
        said += [value for key, value in level.get("set", {}).items() if key.lower() in ("host", ":authority")]
    return said or [request.authority]


def operations(holder: Json, side: str) -> Json:
    found: Json = holder.get("headers", {}).get(side, {})
    return found


def changed(headers: Mapping[str, str], levels: Sequence[Json]) -> tuple[tuple[str, frozenset[str | None]], ...]:
    """What becomes of headers. The order of the levels, and within one, is not said: every one is allowed."""
    names = {name.lower() for level in levels for name in (*level.get("set", {}), *level.get("add", {}))}
    names |= {name.lower() for level in levels for name in level.get("remove", [])}
    names -= {"host", ":authority"}
    found = []
    for name in sorted(names | set(headers) - {"host"}):
        values: set[str | None] = set()
        for order in permutations(levels):
            value = headers.get(name)
            for level in order:
                value = one_level(value, level, name)
            values.add(value)
        found.append((name, frozenset(values or {headers.get(name)})))
    return tuple(found)


def one_level(value: str | None, level: Json, name: str) -> str | None:
    def said(group: str) -> str | None:
        return next((text for key, text in level.get(group, {}).items() if key.lower() == name), None)

    if any(key.lower() == name for key in level.get("remove", [])):
        value = None
    if (text := said("set")) is not None:
        value = text.replace("%%", "%")
    if (text := said("add")) is not None:
        text = text.replace("%%", "%")
        value = text if value is None else f"{value},{text}"
    return value


# -- delegates ---------------------------------------------------------------------------------------------


def delegated(root: Json, inner: Json) -> Json | None:
    """A delegate's route under the root's. What the delegate does not say is the root's; each of its match blocks
    must be narrower than one of the root's, or the route has no effect."""
    outer_blocks, inner_blocks = root.get("match") or [], inner.get("match") or []
    if outer_blocks and inner_blocks:
        blocks = []
        for block in inner_blocks:
            fitting = [both(outer, block) for outer in outer_blocks if narrower(outer, block)]
            if not fitting:
                return None
            blocks += fitting
    else:
        blocks = list(outer_blocks or inner_blocks)
    kept = {key: value for key, value in root.items() if key not in ("delegate", "match", "name")}
    return {**kept, **inner, "match": blocks}


def narrower(outer: Json, inner: Json) -> bool:
    for name in ("uri", "scheme", "method", "authority"):
        if name in outer and name in inner and not string_narrower(outer[name], inner[name]):
            return False
    for group in ("headers", "withoutHeaders", "queryParams"):
        wide = outer.get(group, {})
        if any(k in wide and not string_narrower(wide[k], v) for k, v in inner.get(group, {}).items()):
            return False
    if outer.get("port") and inner.get("port") and outer["port"] != inner["port"]:
        return False
    if outer.get("sourceNamespace") and inner.get("sourceNamespace") != outer["sourceNamespace"]:
        return False
    if outer.get("gateways") and not set(inner.get("gateways", [])) <= set(outer["gateways"]):
        return False
    labels = outer.get("sourceLabels", {})
    if any(labels.get(key, value) != value for key, value in inner.get("sourceLabels", {}).items()):
        return False
    return bool(outer.get("ignoreUriCase", False) == inner.get("ignoreUriCase", False))


def string_narrower(outer: Json, inner: Json) -> bool:
    """As Istio compares them: an empty text is none, a presence goes with nothing, a regex with nothing."""
    if "regex" in outer or "regex" in inner:
        return False
    if outer.get("exact"):
        return bool(inner.get("exact") == outer["exact"])
    if outer.get("prefix"):
        text = str(inner.get("exact") or inner.get("prefix") or "")
        return text.startswith(outer["prefix"])
    return False


def both(outer: Json, inner: Json) -> Json:
    groups = ("headers", "withoutHeaders", "queryParams", "sourceLabels")
    merged = {name: {**outer.get(name, {}), **inner.get(name, {})} for name in groups}
    return {**outer, **inner, **{name: value for name, value in merged.items() if value}}
