"""VirtualServices by the hosts that they are for inside the mesh, and by who sees them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.hosts import covers, resolve, specificity
from mesh.routing.destinations.directory import Directory
from mesh.routing.destinations.views import is_shown
from mesh.routing.virtual_service.delegates import delegates_of
from mesh.routing.virtual_service.place import MESH


class HostRules:
    """Built once for a world; rules of one host are in the order of the world, oldest first."""

    def __init__(self, rules: Iterable[VirtualService], directory: Directory) -> None:
        self.all = tuple(rules)
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
        return exported(self._exact.get(host, ()), namespace)

    def of_service(self, host: str, namespace: str) -> list[VirtualService]:
        """The rules for a Service's host; without any, the rule of the narrowest wildcard that covers it."""
        if exact := self.of(host, namespace):
            return exact
        wild = (rule for pattern, rule in self._wild if covers(pattern, host))
        return exported(wild, namespace)[:1]

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
    """The rules that a namespace sees by their `exportTo`; without it everybody sees a rule."""
    return [rule for rule in rules if is_shown(rule.spec.export_to, rule.metadata.namespace, namespace)]


def shared_hosts(
    rule: VirtualService, gateway: str, served_hosts: Sequence[str], gateway_namespace: str
) -> Iterator[str]:
    """The hosts of a rule that a Gateway's server serves: the narrower of each pair that overlaps.

    A server's host may limit the rules' namespaces: `ns/host`, `./host` for the Gateway's own, `*/host` for all.
    """
    namespace = rule.metadata.namespace
    if gateway not in {name if "/" in name else f"{namespace}/{name}" for name in rule.spec.gateways}:
        return
    for host in rule.spec.hosts:
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
