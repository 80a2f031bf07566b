"""What branches change: their own services and those of the branches that they include."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.virtual_service import HTTPFaultInjection
from mesh.resources.meshmall.branch import Branch, BranchService, own_changes
from mesh.routing.memory import Memory


class Change(NamedTuple):
    """What replaces a service for one branch: the branch entered, whose change it is, and the change."""

    entered: Branch
    owner: Branch
    change: BranchService

    @property
    def is_ready(self) -> bool:
        """What the owner's status says; a change that nobody has looked at yet counts as ready."""
        return all(
            status.ready
            for status in self.owner.status.services
            if not status.from_branch and self.owner.spec.services.get(status.name) is self.change
        )


def effective(branch: Branch, by_name: Mapping[tuple[str, str], Branch]) -> dict[str, tuple[Branch, BranchService]]:
    """Each service that a branch changes, with the change's owner: a later include wins over an earlier one, and the
    branch's own changes over all. Includes that are missing, or circular, add nothing."""
    return {
        name: (owner, change)
        for owner in _sources(branch, by_name, frozenset())
        for name, change in own_changes(owner).items()
    }


def effective_faults(branch: Branch, by_name: Mapping[tuple[str, str], Branch]) -> dict[str, HTTPFaultInjection]:
    """The fault of each service that has one for a branch, by the same order."""
    return {
        name: fault for owner in _sources(branch, by_name, frozenset()) for name, fault in owner.spec.faults.items()
    }


def _sources(branch: Branch, by_name: Mapping[tuple[str, str], Branch], including: frozenset[str]) -> Iterator[Branch]:
    """Everything that a branch includes, and then the branch: what comes later wins."""
    path = including | {branch.metadata.name}
    for name in branch.spec.includes:
        included = by_name.get((branch.metadata.namespace, name))
        if included is not None and name not in path:
            yield from _sources(included, by_name, path)
    yield branch


def changes_by_service(
    branches: Sequence[Branch], memory: Memory | None = None
) -> Mapping[tuple[str, str], Sequence[Change]]:
    """The changes of each service, by its namespace and name, in the order of the branches.

    With a `memory`, the changes of branches that are the same objects as the last time are the same, too.
    """
    memory = memory or Memory()
    last: _Remembered = memory.last("changes") or {}
    remembered: _Remembered = {}
    by_name = {(branch.metadata.namespace, branch.metadata.name): branch for branch in branches}
    changes: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for branch in branches:
        entry = last.get(id(branch))
        # What a branch includes may have changed while it did not itself.
        if entry is None or entry[0] is not branch or branch.spec.includes:
            namespace, effects = branch.metadata.namespace, effective(branch, by_name)
            entry = (branch, [((namespace, name), Change(branch, *effect)) for name, effect in effects.items()])
        remembered[id(branch)] = entry
        for service, change in entry[1]:
            changes[service].append(change)
    memory.keep("changes", object(), lambda: remembered)
    return dict(sorted(changes.items(), key=lambda pair: pair[0]))


# By identity, which costs thousands of branches less than their names: a branch, and its changes by service.
_Remembered = dict[int, tuple[Branch, list[tuple[tuple[str, str], Change]]]]


def own_ports(changes: Iterable[Change]) -> tuple[ServicePort, ...]:
    """The ports at which a service is called that only branches have; of two for one number the first counts."""
    ports: dict[int, ServicePort] = {}
    for change in changes:
        template = change.change.template
        if template is not None:
            containers = [ServicePort(port=port.container_port) for c in template.spec.containers for port in c.ports]
            for port in template.ports or containers:
                ports.setdefault(port.port, port)
    return tuple(ports[number] for number in sorted(ports))
