"""What the rendered branches change, by service, and where their requests go then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mesh.branches.render.around import Around
from mesh.resources.meshmall.branch import Branch, BranchService, deployment_name
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import aliases, service_host
from mesh.resources.values.meta import as_body
from mesh.routing.branches.changes import effective, effective_faults

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a branch's requests for a service go: another Service, or a subset of the same one."""

    service: str
    namespace: str
    subset: str = ""

    def host(self, namespace: str) -> str:
        """The name of the Service in a rule of this namespace."""
        return self.service if namespace == self.namespace else service_host(self.service, self.namespace)


class Changes:
    """The changes of all rendered branches. A place is a service's namespace and name.

    `by_place` has what replaces services, `places` also those with nothing but a fault.
    """

    def __init__(self, branches: Sequence[Branch], around: Around) -> None:
        self.branches = branches
        self.by_place: dict[Place, list[tuple[str, Branch, BranchService]]] = {}
        self._targets: dict[tuple[str, Place], Target] = {}
        self._faults: dict[tuple[str, Place], Body] = {}
        for branch in branches:
            for service, fault in effective_faults(branch, around.branches).items():
                self._faults[branch.metadata.name, (branch.metadata.namespace, service)] = as_body(fault)
            for service, (owner, change) in effective(branch, around.branches).items():
                place, name = (branch.metadata.namespace, service), branch.metadata.name
                self.by_place.setdefault(place, []).append((name, owner, change))
                self._targets[name, place] = _target(service, owner, change)
        self.places = sorted({*self.by_place, *(place for _, place in self._faults)})
        self._place_of: Mapping[str, Place] = {
            alias: place for place in self.places for alias in aliases(place[1], place[0], "")
        }

    def owned(self) -> Iterable[tuple[Branch, str, BranchService]]:
        """Every change once, though several branches may include it: its owner, its service, and the change."""
        owners: dict[tuple[str, Place], tuple[Branch, str, BranchService]] = {}
        for place, changes in self.by_place.items():
            for _, owner, change in changes:
                owners[owner.metadata.name, place] = (owner, place[1], change)
        return owners.values()

    def place(self, host: str, namespace: str) -> Place | None:
        """The changed service that a rule of this namespace means by a host."""
        if "." not in host and (namespace, host) in self.places:
            return namespace, host
        return self._place_of.get(host)

    def target(self, branch: str, place: Place) -> Target | None:
        """Where a branch's requests for a service go; None: the baseline answers."""
        return self._targets.get((branch, place))

    def fault(self, branch: str, place: Place) -> Body | None:
        """What a branch injects into its requests for a service."""
        return self._faults.get((branch, place))


def _target(service: str, owner: Branch, change: BranchService) -> Target:
    namespace = owner.metadata.namespace
    if change.version:
        return Target(service, namespace, change.version)
    return Target(deployment_name(service, owner.metadata.name), namespace)
