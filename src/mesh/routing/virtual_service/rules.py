"""VirtualServices by the hosts that they are for inside the mesh, and by who sees them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.hosts import covers, resolve, specificity
from mesh.routing.destinations.directory import Directory
from mesh.routing.destinations.views import is_shown
from mesh.routing.egress import Egress
from mesh.routing.virtual_service.delegates import delegates_of
from mesh.routing.virtual_service.place import MESH


class HostRules:
    """Built once for a world. The rules of one host are in the order in which they count, see `exported`."""

    def __init__(self, rules: Iterable[VirtualService], directory: Directory, egress: Egress) -> None:
        self.all = tuple(rules)
        self._egress = egress
        self.delegates = delegates_of(self.all)
        self._exact: dict[str, list[VirtualService]] = defaultdict(list)
        self._wild: list[tuple[str, VirtualService]] = []
        for rule in self.all:
            if rule.spec.gateways and MESH not in rule.spec.gateways:
                continue
            for host in rule.spec.hosts:
                full = _full_name(host, rule.metadata.namespace, directory)
                if full.startswith("*"):
                    self._wild.append((full, rule))
                else:
                    self._exact[full].append(rule)
        self._wild.sort(key=lambda pair: specificity(pair[0]))

    def of(self, host: str, namespace: str) -> list[VirtualService]:
        """The rules for exactly this host that a namespace sees."""
        return self._imported(self._exact.get(host, ()), namespace)

    def of_service(self, host: str, namespace: str) -> list[VirtualService]:
        """The rules for a Service's host; without any, the rule of the narrowest wildcard that covers it."""
        if exact := self.of(host, namespace):
            return exact
        for pattern, rules in self.wild_hosts().items():
            if covers(pattern, host) and (wild := self._imported(rules, namespace)):
                return wild[:1]
        return []

    def _imported(self, rules: Iterable[VirtualService], namespace: str) -> list[VirtualService]:
        """The rules that a namespace sees, by what they export and what its Sidecar lets in."""
        return [
            rule
            for rule in exported(rules, namespace)
            if any(
                self._egress.imports(namespace, resolve(host, rule.metadata.namespace), rule.metadata.namespace)
                for host in rule.spec.hosts
            )
        ]

    def exact_hosts(self) -> Mapping[str, Sequence[VirtualService]]:
        """The rules of each host without a wildcard, sorted by host."""
        return dict(sorted(self._exact.items()))

    def wild_hosts(self) -> Mapping[str, Sequence[VirtualService]]:
        """The rules of each wildcard, narrower wildcards first."""
        rules: dict[str, list[VirtualService]] = defaultdict(list)
        for pattern, rule in self._wild:
            rules[pattern].append(rule)
        return rules


def exported(rules: Iterable[VirtualService], namespace: str) -> list[VirtualService]:
    """The rules that a namespace sees by their `exportTo`, those first that count before others: of the namespace's
    own that are private to it, of those exported to it by its name, of public ones; each in the order given."""

    def rank(rule: VirtualService) -> int:
        export_to = rule.spec.export_to
        if not export_to or "*" in export_to:
            return 2
        return 0 if rule.metadata.namespace == namespace else 1

    shown = [rule for rule in rules if is_shown(rule.spec.export_to, rule.metadata.namespace, namespace)]
    return sorted(shown, key=rank)


def shared_hosts(
    rule: VirtualService, gateway: str, served_hosts: Sequence[str], gateway_namespace: str
) -> Iterator[str]:
    """The hosts of a rule that a Gateway's server serves: the narrower of each pair that overlaps.

    A server's host may limit the rules' namespaces: `ns/host`, `./host` for the Gateway's own, `*/host` for all. A
    name without dots in a rule is that of a Service here too, by its full name.
    """
    namespace = rule.metadata.namespace
    if gateway not in {name if "/" in name else f"{namespace}/{name}" for name in rule.spec.gateways}:
        return
    for host in (resolve(host, namespace) for host in rule.spec.hosts):
        for served in served_hosts:
            scope, _, pattern = served.rpartition("/")
            scope = gateway_namespace if scope == "." else scope
            if scope not in ("", "*", namespace):
                continue
            if covers(pattern, host):
                yield host
            elif covers(host, pattern):
                yield pattern


def _full_name(host: str, namespace: str, directory: Directory) -> str:
    """A rule's host as a Service's full name where it is one, in whatever short form it was written."""
    full = resolve(host, namespace)
    service = directory.service(full)
    return service.host if service is not None else full
