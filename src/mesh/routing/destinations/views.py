"""DestinationRules by who sees them: `exportTo` and `workloadSelector` (Istio's meaning). Pure.

A Service's clusters are made of the rules that everybody sees. Where a namespace sees others, or some of its pods do,
they have clusters of their own: the view stands with the subset, `outbound|7000|v1@other|shop.mesh.svc.cluster.local`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.values.hosts import covers, resolve, specificity
from mesh.routing.destinations.directory import Directory, Known
from mesh.routing.model.route import Forward, Route

EVERYBODY = ""
Labels = tuple[tuple[str, str], ...]


class Selected(NamedTuple):
    """A rule that some pods of a namespace alone have: for a host, by their labels, under the view's name."""

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
    return any(each in ("*", namespace) or (each == "." and namespace == own) for each in export_to)


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
        self._wild.sort(key=lambda pair: specificity(pair[0]))
        self._of: dict[str, Mapping[str, Sequence[DestinationRule]]] = {}
        self._selected: dict[str, list[Selected]] = defaultdict(list)
        for known in (*directory.entries, *directory.services):
            self._of[known.host] = self._views(known)

    def of(self, known: Known) -> Mapping[str, Sequence[DestinationRule]]:
        """The rules of a Service by view, oldest first."""
        return self._of[known.host]

    def view(self, host: str, namespace: str) -> str:
        """How a namespace sees a Service."""
        return namespace if namespace in self._of.get(host, ()) else EVERYBODY

    def for_workloads(self, routes: Iterable[Route], namespace: str) -> Iterator[Route]:
        """Rows, and before each what it is for pods that have rules of their own."""
        selected = self._selected.get(namespace, ())
        for route in routes:
            for each in selected:
                yield from _for_workload(route, each)
            yield route

    def _views(self, known: Known) -> Mapping[str, Sequence[DestinationRule]]:
        found = self._all(known)
        everybody = self._seen(known, lambda rule: not rule.spec.export_to or "*" in rule.spec.export_to)
        views = {EVERYBODY: everybody}
        for namespace in sorted({_meant(name, rule) for rule in found for name in rule.spec.export_to} - {"*"}):
            seen = self._seen(known, lambda rule, to=namespace: _shows(rule, to))  # type: ignore[misc]
            if seen != everybody:
                views[namespace] = seen
        for rule in found:
            if rule.spec.workload_selector is not None:
                labels = tuple(sorted(rule.spec.workload_selector.match_labels.items()))
                view = f"{rule.metadata.namespace}/{rule.metadata.name}"
                if labels and _shows(rule, rule.metadata.namespace):
                    views[view] = [rule]
                    self._selected[rule.metadata.namespace].append(Selected(known.host, labels, view))
        return views

    def _all(self, known: Known) -> Sequence[DestinationRule]:
        return [*self._named(known), *(rule for host, rule in self._wild if covers(host, known.host))]

    def _named(self, known: Known) -> Sequence[DestinationRule]:
        short = (known.host, f"{known.name}.{known.namespace}", f"{known.name}.{known.namespace}.svc")
        return [rule for host in dict.fromkeys(short) for rule in self._exact.get(host, ())]

    def _seen(self, known: Known, sees: Callable[[DestinationRule], bool]) -> Sequence[DestinationRule]:
        """Those for its host, or that of the narrowest wildcard."""
        exact = [rule for rule in self._named(known) if _is_plain(rule) and sees(rule)]
        if exact:
            return exact
        wild = (rule for host, rule in self._wild if covers(host, known.host))
        return [rule for rule in wild if _is_plain(rule) and sees(rule)][:1]


def _is_plain(rule: DestinationRule) -> bool:
    """Whether a rule is for all pods of who sees it; an empty selector is none."""
    selector = rule.spec.workload_selector
    return selector is None or not selector.match_labels


def _shows(rule: DestinationRule, namespace: str) -> bool:
    return is_shown(rule.spec.export_to, rule.metadata.namespace, namespace)


def _meant(name: str, rule: DestinationRule) -> str:
    return rule.metadata.namespace if name == "." else name


def _for_workload(route: Route, selected: Selected) -> Iterator[Route]:
    """The row with the destinations that a selected rule says, for the pods with its labels; none when it does not
    concern the row."""
    action = route.action
    if not isinstance(action, Forward):
        return
    to = tuple(replace(each, cluster=_as_seen(each.cluster, selected)) for each in action.to)
    mirrors = tuple((_as_seen(cluster, selected), share) for cluster, share in action.mirrors)
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
