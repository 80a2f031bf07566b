"""The rules of branches as Istio's VirtualServices, beside the team's and without touching them.

Istio tries the VirtualServices that are exported to a namespace by its name before public ones
(VirtualServicesForGateway in its pilot/pkg/model/push_context.go). Inside the mesh the first one for a host counts
alone; at a gateway the rows of all are tried in this order. So each rule of the team that concerns a branch gets a
second one beside it, exported by name, with the branches' rows and a copy of the team's own. Deleting it restores what
was there, byte for byte.

At the gateway a request enters a branch by the branch's entries, and leaves with the branch's name in `x-branch` and
`baggage`; whatever `x-branch` a client sent is gone. At every further hop the header decides, then baggage, then whose
pod calls.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

import msgspec

from mesh.branches.render.around import Around, Rule
from mesh.branches.render.changes import Changes, Place, Target
from mesh.branches.render.entries import ANY_MEMBER, Condition, entries, member_is
from mesh.resources.istio.virtual_service import HTTPRoute
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, HEADER
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import aliases, covers, service_host
from mesh.resources.values.meta import as_body
from mesh.routing.virtual_service.delegates import delegated

ISTIO = "networking.istio.io/v1"
# Envoy fills it in: the baggage that the request has already.
SENT_BAGGAGE = "%REQ(baggage)%"
HAS_BAGGAGE: Body = {"headers": {"baggage": {"regex": ".+"}}}


def virtual_services(changes: Changes, around: Around) -> list[Body]:
    """The VirtualServices at the gateways, then those for the calls between services."""
    return [*_at_gateways(changes, around), *_in_mesh(changes, around)]


def _at_gateways(changes: Changes, around: Around) -> Iterable[Body]:
    previews = [around.preview_host(branch.metadata.name) for branch in changes.branches]
    with_previews: set[str] = set()
    for rule in around.rules:
        if not rule.gateways or not rule.typed.spec.hosts:
            continue
        rows = [row for written in _rows(rule, around) for row in _gateway_rows(written, rule, changes, around)]
        if not rows:
            continue
        hosts = list(rule.typed.spec.hosts)
        # A Gateway none of whose rules has the preview hosts serves them by its first rule, as the local mesh does.
        for gateway in rule.gateways:
            if gateway not in with_previews and not _serves_previews(gateway, around):
                hosts += [host for host in previews if host not in hosts]
            with_previews.add(gateway)
        yield _virtual_service(
            f"{rule.typed.metadata.name}-branches-gateway",
            rule.typed.metadata.namespace,
            {"hosts": hosts, "gateways": rule.gateways, "exportTo": [around.gateway_namespace], "http": rows},
        )


def _serves_previews(gateway: str, around: Around) -> bool:
    every = f"*.{around.preview_domain}"
    return any(
        covers(host, every) for rule in around.rules if gateway in rule.gateways for host in rule.typed.spec.hosts
    )


def _in_mesh(changes: Changes, around: Around) -> Iterable[Body]:
    copied: set[tuple[str, str]] = set()
    for place in changes.places:
        namespace, service = place
        rule = _rule_of(place, around)
        space = rule.namespace if rule is not None else namespace
        host = service if space == namespace else service_host(service, namespace)
        plain: Body = {"route": [{"destination": {"host": host}}]}
        spec: Body = {"hosts": [host]}
        if rule is not None:
            copied.add((space, rule.typed.metadata.name))
            rows = [row for written in _rows(rule, around) for row in _mesh_rows(written, place, space, changes)]
            spec |= {"http": rows, **_other_protocols(rule)}
        else:
            branches = _branch_rows(plain, place, space, changes)
            # What only branches have, nobody else finds.
            spec["http"] = [*branches, plain] if place in around.services else branches
        yield _virtual_service(f"{service}-branches", space, _exported(spec, space, around))
    for rule in around.rules:
        space, name = rule.namespace, rule.typed.metadata.name
        if not rule.is_in_mesh or (space, name) in copied or not rule.typed.spec.hosts:
            continue
        written = list(_rows(rule, around))
        if any(_branch_rows(row, None, space, changes) for row in written):
            rows = [row for original in written for row in _mesh_rows(original, None, space, changes)]
            spec = {"hosts": list(rule.typed.spec.hosts), "http": rows, **_other_protocols(rule)}
            yield _virtual_service(f"{name}-branches-mesh", space, _exported(spec, space, around))


def _exported(spec: Body, namespace: str, around: Around) -> Body:
    return {**spec, "exportTo": sorted(around.callers | {namespace})}


def _rule_of(place: Place, around: Around) -> Rule | None:
    """The team's VirtualService for the calls to a service: the oldest with its name, or the narrowest pattern."""
    namespace, service = place
    names = {host: set(aliases(service, namespace, host)) for host in ("", namespace)}
    candidates = [rule for rule in around.rules if rule.is_in_mesh and rule.typed.spec.hosts]
    for rule in candidates:
        here = namespace if rule.typed.metadata.namespace == namespace else ""
        if names[here] & set(rule.typed.spec.hosts):
            return rule
    full = service_host(service, namespace)
    patterns = [
        (-len(host), number, rule)
        for number, rule in enumerate(candidates)
        for host in rule.typed.spec.hosts
        if host.startswith("*") and covers(host, full)
    ]
    return min(patterns, key=lambda pattern: pattern[:2])[2] if patterns else None


def _rows(rule: Rule, around: Around) -> Iterable[Body]:
    """The rule's rows, with those of its delegates in their places: a branch changes their destinations, too."""
    by_name = {(r.typed.metadata.namespace, r.typed.metadata.name): r for r in around.rules if not r.typed.spec.hosts}
    for typed, body in zip(rule.typed.spec.http, rule.body["spec"].get("http", []), strict=True):
        if typed.delegate is None:
            yield body
            continue
        place = (typed.delegate.namespace or rule.typed.metadata.namespace, typed.delegate.name)
        delegate = by_name.get(place)
        for inner in delegate.typed.spec.http if delegate is not None else ():
            combined = delegated(typed, inner)
            if combined is not None:
                yield as_body(_qualified(combined, place[0], rule.typed.metadata.namespace))


def _qualified(row: HTTPRoute, namespace: str, home: str) -> HTTPRoute:
    """A delegate's row with its short hosts spelled out: they are Services of the delegate's namespace."""
    if namespace == home:
        return row
    route = [
        msgspec.structs.replace(
            target,
            destination=msgspec.structs.replace(
                target.destination,
                host=target.destination.host
                if "." in target.destination.host
                else service_host(target.destination.host, namespace),
            ),
        )
        for target in row.route
    ]
    return msgspec.structs.replace(row, route=route)


def _gateway_rows(row: Body, rule: Rule, changes: Changes, around: Around) -> list[Body]:
    """The row for each way into each branch, then for everybody else, without the `x-branch` of a client."""
    blocks = [block for block in _blocks(row) if _acts_at(block, rule.gateways)]
    if not blocks:
        return []
    row = {**row, "match": blocks}
    rows: list[Body] = []
    # What answers without a service is the same for everybody.
    ways = entries(changes.branches, around.preview_host) if "route" in row else []
    for branch, group in groupby(ways, key=itemgetter(0)):
        changed = _to(row, branch, None, rule.namespace, changes) or row
        rows += _entering(changed, branch, [condition for _, condition in group])
    return [*rows, _without_mark(_plain(row))]


def _entering(row: Body, branch: str, conditions: Sequence[Condition]) -> list[Body]:
    """The row for requests that enter by one of these conditions. It marks them, and the answer."""
    answer = {HEADER: branch}
    members = [_match(condition) for condition in conditions if condition.is_member]
    by_baggage = [_match(c) for c in conditions if c.name == "baggage" and c.part == "header" and not c.is_member]
    others = [_match(c) for c in conditions if c.name != "baggage" or c.part != "header"]
    return [
        *_marked(row, branch, members, {HEADER: branch}, answer),
        *_marked(row, branch, by_baggage, _marks(branch, SENT_BAGGAGE), answer),
        *_marked(row, branch, [_both(HAS_BAGGAGE, match) for match in others], _marks(branch, SENT_BAGGAGE), answer),
        *_marked(row, branch, others, _marks(branch), answer),
    ]


def _mesh_rows(row: Body, place: Place | None, namespace: str, changes: Changes) -> list[Body]:
    """The row for each branch that changes where it goes, then for everybody else."""
    blocks = [_anywhere(block) for block in _blocks(row) if _acts_at(block, ["mesh"])]
    if not blocks:
        return []
    row = {**row, "match": blocks}
    return [*_branch_rows(row, place, namespace, changes), _plain(row)]


def _branch_rows(row: Body, place: Place | None, namespace: str, changes: Changes) -> list[Body]:
    """The header decides, then baggage, then whose pod calls, as in the local mesh."""
    names = [branch.metadata.name for branch in changes.branches]
    # Any value, not the names of all branches: a pattern of these would be sent once per row, and grow with them.
    unmarked: Body = {"withoutHeaders": {HEADER: {}}}
    silent = _both(unmarked, {"withoutHeaders": {"baggage": {"regex": ANY_MEMBER.regex}}})
    by_header, by_baggage, by_caller = [], [], []
    for name in names:
        changed = _to(row, name, place, namespace, changes)
        if changed is None:
            continue
        by_header += _marked(changed, name, [{"headers": {HEADER: {"exact": name}}}])
        by_baggage += _marked(changed, name, [_both(_match(member_is(name)), unmarked)], {HEADER: name})
        caller = _both({"sourceLabels": {"branch": name}}, silent)
        by_caller += _marked(changed, name, [_both(HAS_BAGGAGE, caller)], _marks(name, SENT_BAGGAGE))
        by_caller += _marked(changed, name, [caller], _marks(name))
    return [*by_header, *by_baggage, *by_caller]


def _to(row: Body, branch: str, place: Place | None, namespace: str, changes: Changes) -> Body | None:
    """A row with the branch's destinations; None where the branch changes nothing about them.

    At a changed service's own host (`place`) all of its destinations are replaced, at others those of changed services.
    """
    route: list[Body] = []
    fault: Body = {}
    is_changed = False
    for written in row.get("route", []):
        meant = place or changes.place(written["destination"]["host"], namespace)
        target = changes.target(branch, meant) if meant is not None else None
        changed = written if target is None else {**written, "destination": _destination(written, target, namespace)}
        if meant is not None:
            fault = fault or changes.fault(branch, meant) or {}
        is_changed |= target is not None or bool(fault)
        same = next((other for other in route if _is_same(other, changed)), None)
        if same is None:
            route.append(dict(changed))
        else:
            same["weight"] = same.get("weight", 0) + changed.get("weight", 0)
    if not is_changed:
        return None
    if len(route) == 1:
        route[0].pop("weight", None)
    return {**row, "route": route, **({"fault": {**(row.get("fault") or {}), **fault}} if fault else {})}


def _is_same(one: Body, other: Body) -> bool:
    return {**one, "weight": 0} == {**other, "weight": 0}


def _destination(written: Body, target: Target, namespace: str) -> Body:
    """Where a branch's requests go; the port stays."""
    port = {key: value for key, value in written["destination"].items() if key == "port"}
    return {"host": target.host(namespace), **({"subset": target.subset} if target.subset else {}), **port}


def _marks(branch: str, after: str = "") -> dict[str, str]:
    """What tells the next hops. The branch's member comes first: of two the first counts."""
    member = f"{BAGGAGE_MEMBER}={branch}"
    return {HEADER: branch, "baggage": f"{member},{after}" if after else member}


def _marked(
    row: Body,
    branch: str,
    conditions: Sequence[Body],
    request: dict[str, str] | None = None,
    answer: dict[str, str] | None = None,
) -> list[Body]:
    """The row for requests that meet one of the conditions; [] without any."""
    if not conditions:
        return []
    name = f"{branch}-{row['name']}" if row.get("name") else branch
    marked = {**row, "name": name, "match": [_both(block, c) for block in _blocks(row) for c in conditions]}
    if request:
        marked["headers"] = _with_set(_with_set(row.get("headers") or {}, "request", request), "response", answer or {})
    return [marked]


def _with_set(headers: Body, side: str, added: dict[str, str]) -> Body:
    """Header operations that also set these. A name that the row sets, adds or removes itself is left to the branch."""
    if not added:
        return headers
    former = headers.get(side) or {}
    operations = {
        "set": {**_others(former.get("set", {}), added), **added},
        "add": _others(former.get("add", {}), added),
        "remove": [name for name in former.get("remove", []) if name.lower() not in added],
    }
    return {**headers, side: {key: value for key, value in operations.items() if value}}


def _others(values: dict[str, str], added: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name.lower() not in added}


def _without_mark(row: Body) -> Body:
    """The row with the request's `x-branch` removed: nobody outside may enter a branch by a mark."""
    headers = row.get("headers") or {}
    request = headers.get("request") or {}
    if "route" not in row:
        return row
    return {**row, "headers": {**headers, "request": {**request, "remove": [*request.get("remove", []), HEADER]}}}


def _match(condition: Condition) -> Body:
    text = {"regex": condition.regex} if condition.regex else {"exact": condition.exact}
    match condition.part:
        case "host":
            return {"authority": text}
        case "query":
            return {"queryParams": {condition.name: text}}
    return {"headers": {condition.name: text}}


def _blocks(row: Body) -> list[Body]:
    return row.get("match") or [{}]


def _acts_at(block: Body, gateways: Sequence[str]) -> bool:
    return not block.get("gateways") or bool(set(block["gateways"]) & set(gateways))


def _anywhere(block: Body) -> Body:
    """A block of a rule for the mesh alone. One that names `gateways` does not ask who calls (Istio's reference)."""
    if not block.get("gateways"):
        return block
    return {key: value for key, value in block.items() if key not in ("gateways", "sourceLabels", "sourceNamespace")}


def _plain(row: Body) -> Body:
    """A row without the one block that asks nothing."""
    return {key: value for key, value in row.items() if key != "match" or value != [{}]}


def _both(block: Body, more: Body) -> Body:
    """A match block with further conditions."""
    merged = {**block, **more}
    for key in ("headers", "withoutHeaders", "queryParams", "sourceLabels"):
        if block.get(key) or more.get(key):
            merged[key] = {**block.get(key, {}), **more.get(key, {})}
    return merged


def _other_protocols(rule: Rule) -> Body:
    return {key: rule.body["spec"][key] for key in ("tcp", "tls") if rule.body["spec"].get(key)}


def _virtual_service(name: str, namespace: str, spec: Body) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": ISTIO, "kind": "VirtualService", "metadata": metadata, "spec": spec}
