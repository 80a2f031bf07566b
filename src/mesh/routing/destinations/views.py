"""DestinationRules by who sees them: `exportTo` and `workloadSelector` (Istio's meaning). Pure.

A Service's clusters are made of the rules that everybody sees. Where a namespace sees others, or some of its pods do,
they have clusters of their own, whose names have the view behind the subset:
`outbound|7000|v1@other|shop.mesh.svc.cluster.local`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.values.hosts import covers, resolve, specificity
from mesh.routing.destinations.directory import Directory, MeshService
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
        # The narrowest first: of wildcards, one rule alone counts (see _visible).
        self._wild.sort(key=lambda pair: specificity(pair[0]))
        self._of: dict[str, Mapping[str, Sequence[DestinationRule]]] = {}
        self._selected: dict[str, list[Selected]] = defaultdict(list)
        for service in (*directory.entries, *directory.services):
            self._of[service.host] = self._views(service)

    def of(self, service: MeshService) -> Mapping[str, Sequence[DestinationRule]]:
        """The rules of a Service by view, oldest first."""
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
        rules = self._all(service)
        everybody = self._visible(service, lambda rule: not rule.spec.export_to or "*" in rule.spec.export_to)
        views = {EVERYBODY: everybody}
        for namespace in sorted({_target(name, rule) for rule in rules for name in rule.spec.export_to} - {"*"}):
            visible = self._visible(service, lambda rule, to=namespace: _shows(rule, to))  # type: ignore[misc]
            # Only where it differs: each view is one more cluster per port and subset.
            if visible != everybody:
                views[namespace] = visible
        for rule in rules:
            if rule.spec.workload_selector is not None:
                labels = tuple(sorted(rule.spec.workload_selector.match_labels.items()))
                view = f"{rule.metadata.namespace}/{rule.metadata.name}"
                if labels and _shows(rule, rule.metadata.namespace):
                    views[view] = [rule]
                    self._selected[rule.metadata.namespace].append(Selected(service.host, labels, view))
        return views

    def _all(self, service: MeshService) -> Sequence[DestinationRule]:
        return [*self._exact_rules(service), *(rule for host, rule in self._wild if covers(host, service.host))]

    def _exact_rules(self, service: MeshService) -> Sequence[DestinationRule]:
        partial = f"{service.name}.{service.namespace}"
        # A host with a dot is looked up as it is written, so rules may name a Service by these, too.
        names = dict.fromkeys((service.host, partial, f"{partial}.svc"))
        return [rule for host in names for rule in self._exact.get(host, ())]

    def _visible(
        self, service: MeshService, is_visible: Callable[[DestinationRule], bool]
    ) -> Sequence[DestinationRule]:
        """The rules for a Service's own host; without any, the one of the narrowest wildcard."""
        exact = [rule for rule in self._exact_rules(service) if _is_for_all_pods(rule) and is_visible(rule)]
        if exact:
            return exact
        wild = (rule for host, rule in self._wild if covers(host, service.host))
        return [rule for rule in wild if _is_for_all_pods(rule) and is_visible(rule)][:1]


def _is_for_all_pods(rule: DestinationRule) -> bool:
    """Whether a rule is for all pods that see it; an empty selector selects all."""
    selector = rule.spec.workload_selector
    return selector is None or not selector.match_labels


def _shows(rule: DestinationRule, namespace: str) -> bool:
    return is_shown(rule.spec.export_to, rule.metadata.namespace, namespace)


def _target(name: str, rule: DestinationRule) -> str:
    """The namespace that an entry of a rule's `exportTo` stands for."""
    return rule.metadata.namespace if name == "." else name


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
