"""Why a request went where it did: the route that matched, the object that defines it, and the branch's part."""

from collections.abc import Callable
from typing import Any

from mesh.observe.flags import in_words
from mesh.observe.requests import fell_back
from mesh.observe.spans import Span, host_of, service_of
from mesh.observe.traces import Trace
from mesh.resources.meshmall.branch import GROUP, Branch, own_changes
from mesh.resources.values.ref import SERVICE, Ref
from mesh.routing.explain.words import describe_match
from mesh.routing.model.route import Route
from mesh.routing.model.snapshot import Snapshot
from mesh.store import Store


class Reasons:
    """The rule and the reason for a span, by the routes that are in force now."""

    def __init__(self, store: Store, snapshot: Callable[[], Snapshot]) -> None:
        self._store = store
        self._snapshot = snapshot
        self._rows: dict[str, Route] = {}
        self._of: Snapshot | None = None

    def __call__(self, span: Span, trace: Trace) -> dict[str, Any]:
        """`{"rule": {"group", "kind", "namespace", "name", "row"} or None, "why": a sentence}`."""
        route = self._route(span)
        rule = self._rule(route)
        return {"rule": rule, "why": ". ".join(self._sentences(span, trace, route, rule)) + "."}

    def _sentences(self, span: Span, trace: Trace, route: Route | None, rule: dict[str, str] | None) -> list[str]:
        sentences = []
        if rule is not None and route is not None:
            owner = f"{rule['kind']} {rule['namespace']}/{rule['name']}"
            sentences.append(f"Rule {route.name} of {owner}: {describe_match(route.match)}")
        elif span.hop.cluster:
            sentences.append(f"No routing rule applies; Service {service_of(host_of(span.hop.cluster))} chose the pod")
        if branch := self._branch(span, trace):
            sentences.append(branch)
        sentences += [reason[0].upper() + reason[1:] for reason in in_words(span.hop.flags)]
        return sentences or [f"Envoy itself responded with {span.hop.status}"]

    def _branch(self, span: Span, trace: Trace) -> str:
        name, answered = span.hop.branch, span.destination
        if not name:
            return ""
        if fell_back(span, trace):
            return f"Branch {name} changes {span.service} but was not ready; went to the baseline (fallback: baseline)"
        if span.hop.cluster.startswith("branch|"):
            owner = answered.branch if answered is not None else ""
            included = f", which includes {owner}," if owner and owner != name else ""
            return f"Branch {name}{included} has its own {service_of(host_of(span.hop.cluster))}"
        change = self._change(name, service_of(host_of(span.hop.cluster)))
        if change:
            return f"Branch {name} {change}"
        return f"Not changed by branch {name}; went to the baseline"

    def _change(self, name: str, service: str) -> str:
        namespace, _, short = service.rpartition("/")
        stored = self._store.get(Ref(GROUP, "Branch", namespace, name))
        branch: Branch | None = self._store.typed(stored) if stored is not None else None
        change = own_changes(branch).get(short) if branch is not None else None
        if change is None:
            return ""
        return f"sends it to version {change.version}" if change.version else f"changes it ({change.kind})"

    def _rule(self, route: Route | None) -> dict[str, str] | None:
        ref = next((ref for ref in route.origins if ref.group_kind != SERVICE), None) if route is not None else None
        if ref is None or route is None:
            return None
        return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name, "row": route.name}

    def _route(self, span: Span) -> Route | None:
        snapshot = self._snapshot()
        # Built once per snapshot: a list of requests asks for many spans.
        if snapshot is not self._of:
            self._rows = {
                route.name: route for table in snapshot.tables.values() for host in table.hosts for route in host.routes
            }
            self._of = snapshot
        # By name: the rule of an older request may be gone, and then it has none.
        return self._rows.get(span.hop.route)
