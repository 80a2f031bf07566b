"""DestinationRules by who sees them: `exportTo` and `workloadSelector` (Istio's meaning). Pure.

A Service's clusters are made of the rules that everybody sees (see `precedence`). Where a namespace sees others, or
some of its pods do, they have clusters of their own, whose names have the view behind the subset:
`outbound|7000|v1@other|shop.mesh.svc.cluster.local`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.values.hosts import covers, resolve
from mesh.routing.destinations.directory import Directory, MeshService
from mesh.routing.destinations.precedence import Precedence
from mesh.routing.model.route import Forward, Route

EVERYBODY = ""
Labels = tuple[tuple[str, str], ...]


class Selected(NamedTuple):
    """A rule that only some pods of a namespace have: for a host, by their labels, under the view's name."""

    host: str
    labels: Labels
    view: str


def cluster_name(port: int, subset: str, host: str, view: str = EVERYBODY) -> str:
    """A cluster's name as Istio has it, with the view that it is for."""
    return f"outbound|{port}|{subset}{'@' if view else ''}{view}|{host}"


def is_shown(export_to: Sequence[str], own: str, namespace: str) -> bool:
    """Whether a namespace sees what an object of namespace `own` exports."""
    if not export_to:
        return True
    return any(name in ("*", namespace) or (name == "." and namespace == own) for name in export_to)


class Views:
    """DestinationRules by the host they are for, and by who sees them."""

    def __init__(self, rules: Iterable[DestinationRule], directory: Directory) -> None:
        self._exact: dict[str, list[DestinationRule]] = defaultdict(list)
        self._wild: list[tuple[str, DestinationRule]] = []
        for rule in rules:
            host = resolve(rule.spec.host, rule.metadata.namespace)
            if host.startswith("*"):
                self._wild.append((host, rule))
            else:
                self._exact[host].append(rule)
        self._of: dict[str, Mapping[str, Sequence[DestinationRule]]] = {}
        self._selected: dict[str, list[Selected]] = defaultdict(list)
        for service in (*directory.entries, *directory.services):
            self._of[service.host] = self._views(service)

    def of(self, service: MeshService) -> Mapping[str, Sequence[DestinationRule]]:
        """The rules of a Service by view: the first policy counts, subsets add up."""
        return self._of[service.host]

    def view(self, host: str, namespace: str) -> str:
        """How a namespace sees a Service."""
        return namespace if namespace in self._of.get(host, ()) else EVERYBODY

    def for_workloads(self, routes: Iterable[Route], namespace: str) -> Iterator[Route]:
        """Rows, and before each what it is for pods that have rules of their own."""
        selected = self._selected.get(namespace, ())
        for route in routes:
            for rule in selected:
                # Before the row itself, which matches the selected pods as well: the first match wins.
                yield from _for_workload(route, rule)
            yield route

    def _views(self, service: MeshService) -> Mapping[str, Sequence[DestinationRule]]:
        candidates = list(self._rules_for(service))
        precedence = Precedence(candidates, service.namespace)
        # No namespace has this name: it stands for all that neither have rules of their own nor are named.
        everybody = precedence.for_all_pods(EVERYBODY)
        views = {EVERYBODY: everybody}
        for namespace in sorted(_concerned(rule for _, rule in candidates)):
            visible = precedence.for_all_pods(namespace)
            # Only where it differs: each view is one more cluster per port and subset.
            if visible != everybody:
                views[namespace] = visible
            for group in precedence.of(namespace):
                # A rule for some pods counts for those of its own namespace.
                if group.selector and group.rules[0].metadata.namespace == namespace:
                    view = f"{namespace}/{group.rules[0].metadata.name}"
                    views[view] = group.rules
                    labels = tuple(sorted(group.selector.items()))
                    self._selected[namespace].append(Selected(service.host, labels, view))
        return views

    def _rules_for(self, service: MeshService) -> Iterator[tuple[str, DestinationRule]]:
        """Every rule for a host that is the Service's or covers it, oldest first, with that host."""
        partial = f"{service.name}.{service.namespace}"
        # A host with a dot is looked up as it is written, so rules may name a Service by these, too.
        names = dict.fromkeys((service.host, partial, f"{partial}.svc"))
        exact = [(service.host, rule) for host in names for rule in self._exact.get(host, ())]
        yield from exact
        yield from ((host, rule) for host, rule in self._wild if covers(host, service.host))


def _concerned(rules: Iterable[DestinationRule]) -> set[str]:
    """The namespaces that may see other rules than everybody: those that have some, or are named by some."""
    namespaces: set[str] = set()
    for rule in rules:
        namespaces.add(rule.metadata.namespace)
        namespaces.update(name for name in rule.spec.export_to if name not in (".", "*"))
    return namespaces


def _for_workload(route: Route, selected: Selected) -> Iterator[Route]:
    """The row for the pods that a rule selects, to the clusters of the rule's view; none when the rule is for no host
    of the row."""
    action = route.action
    if not isinstance(action, Forward):
        return
    to = tuple(replace(share, cluster=_as_seen(share.cluster, selected)) for share in action.to)
    mirrors = tuple((_as_seen(cluster, selected), percent) for cluster, percent in action.mirrors)
    if to != action.to or mirrors != action.mirrors:
        labels = tuple(dict.fromkeys((*route.match.source_labels, *selected.labels)))
        match = replace(route.match, source_labels=labels)
        yield replace(route, match=match, action=replace(action, to=to, mirrors=mirrors))


def _as_seen(cluster: str, selected: Selected) -> str:
    kind, _, rest = cluster.partition("|")
    number, _, rest = rest.partition("|")
    subset, _, host = rest.partition("|")
    if kind != "outbound" or host != selected.host:
        return cluster
    return cluster_name(int(number), subset.partition("@")[0], host, selected.view)
