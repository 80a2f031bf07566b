"""Which DestinationRules count for a host, as Istio decides it (pilot/pkg/model: push_context.go, destination_rule.go).

Those of one namespace count: the caller's, or else the Service's, or else the root namespace's, the first that has any
for the host. Of that namespace the rules of the narrowest host count, merged where they are exported alike. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.ingress_gateway import ROOT_NAMESPACE
from mesh.resources.values.hosts import specificity

PUBLIC, PRIVATE = "*", "."


@dataclass(slots=True)
class Consolidated:
    """Rules that count together: the first policy, all subsets, the older one's where two have one name.

    `selector` are the labels of the pods that they are for; None for all pods.
    """

    rules: list[DestinationRule]
    export_to: frozenset[str]
    selector: Mapping[str, str] | None

    def is_exported_to(self, namespace: str) -> bool:
        return not self.export_to or PUBLIC in self.export_to or namespace in self.export_to


@dataclass(slots=True)
class _Of:
    """The rules of one namespace by host: those that its own pods see, those that others do, those that none do."""

    local: dict[str, list[Consolidated]] = field(default_factory=lambda: defaultdict(list))
    exported: dict[str, list[Consolidated]] = field(default_factory=lambda: defaultdict(list))
    private: dict[str, list[Consolidated]] = field(default_factory=lambda: defaultdict(list))


class Precedence:
    """The rules that may be for one Service of a namespace, as pairs of the host that each is for and the rule."""

    def __init__(self, rules: Iterable[tuple[str, DestinationRule]], service_namespace: str) -> None:
        self._service_namespace = service_namespace
        self._by_namespace: dict[str, _Of] = defaultdict(_Of)
        # Those for some pods come first, so that the others are merged into them where both are exported alike.
        for host, rule in sorted(rules, key=lambda pair: pair[1].spec.workload_selector is None):
            self._add(host, rule)

    def of(self, namespace: str) -> Sequence[Consolidated]:
        """What counts for callers of a namespace: for some pods, and for all others the last one without a selector."""
        own = self._by_namespace.get(namespace)
        if own is not None:
            by_host = own.private if namespace == ROOT_NAMESPACE else own.local
            if by_host:
                return _narrowest(by_host)
        for owner in (self._service_namespace, ROOT_NAMESPACE):
            of_owner = self._by_namespace.get(owner)
            if of_owner is not None and of_owner.exported:
                shown = [group for group in _narrowest(of_owner.exported) if group.is_exported_to(namespace)]
                if shown:
                    return shown
        return ()

    def for_all_pods(self, namespace: str) -> Sequence[DestinationRule]:
        """The rules for the callers of a namespace that no selector selects."""
        for group in reversed(self.of(namespace)):
            if not group.selector:
                return group.rules
        return ()

    def _add(self, host: str, rule: DestinationRule) -> None:
        own = rule.metadata.namespace
        selector = rule.spec.workload_selector
        # A rule for some pods is never exported.
        export_to = frozenset(rule.spec.export_to) if selector is None else frozenset({PRIVATE})
        labels = selector.match_labels if selector is not None else None
        of_namespace = self._by_namespace[own]
        if not export_to or export_to & {PUBLIC, PRIVATE, own}:
            _merge(of_namespace.local[host], rule, export_to, labels)
        if len(export_to) == 1 and export_to & {PRIVATE, own}:
            _merge(of_namespace.private[host], rule, export_to, labels)
        else:
            _merge(of_namespace.exported[host], rule, export_to, labels)


def _merge(
    groups: list[Consolidated], rule: DestinationRule, export_to: frozenset[str], selector: Mapping[str, str] | None
) -> None:
    """Adds a rule to the groups that it goes with, by what both export and select, or as a group of its own."""
    alone = True
    for group in groups:
        if export_to == group.export_to:
            alone = False
        elif not (group.export_to and export_to > group.export_to):
            alone = True
            continue
        else:
            alone = True
        if group.selector is not None and selector is not None and group.selector != selector:
            alone = True
            continue
        if (group.selector is None) == (selector is None):
            alone = False
        group.rules.append(rule)
    if alone:
        groups.append(Consolidated([rule], export_to, selector))


def _narrowest(by_host: Mapping[str, list[Consolidated]]) -> list[Consolidated]:
    return by_host[min(by_host, key=specificity)]
