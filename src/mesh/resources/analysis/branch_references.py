"""Does a Branch name what exists, and are its entries its own? Checked over all objects after a change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from mesh.resources.analysis.stores import (
    Workload,
    data_volumes,
    kind_and_name,
    other_services,
    pod_spec,
    store_workload,
    store_workloads,
)
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import (
    BRANCH_LABEL,
    Branch,
    BranchData,
    BranchService,
    deployment_name,
    entry_keys,
    own_changes,
)
from mesh.resources.values.hosts import aliases, resolve
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError, meant
from mesh.resources.values.ref import BRANCH


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a branch can name, by namespace and name."""

    services: Mapping[tuple[str, str], Service]
    deployments: Sequence[Deployment]
    rules: Sequence[DestinationRule]
    branches: Mapping[tuple[str, str], Branch] = field(default_factory=dict)
    stateful_sets: Sequence[StatefulSet] = ()

    @classmethod
    def of(cls, objects: Iterable[Resource]) -> Self:
        everything = list(objects)
        return cls(
            {_name(typed): typed for typed in everything if isinstance(typed, Service)},
            [typed for typed in everything if isinstance(typed, Deployment)],
            [typed for typed in everything if isinstance(typed, DestinationRule)],
            {_name(typed): typed for typed in everything if isinstance(typed, Branch)},
            [typed for typed in everything if isinstance(typed, StatefulSet)],
        )


Keys = Callable[[Branch], Mapping[str, str]]


def check_branches(changed: Iterable[Branch], around: Surroundings, keys: Keys = entry_keys) -> list[FieldError]:
    """What is wrong with the branches that change, each error with its object. `keys` may cache `entry_keys`."""
    branches = list(changed)
    claimed = _claimed(around.branches.values(), branches, keys)
    findings: list[FieldError] = []
    for branch in branches:
        errors = [
            *_claims(branch, claimed),
            *_includes(branch, around),
            *_services(branch, around),
            *_faults(branch, around),
            *_stores(branch, around),
        ]
        findings += [error.of(ref_of(branch)) for error in errors]
        # Of two branches in one change, the later one is to blame for an entry that both have.
        for key in entry_keys(branch):
            claimed.setdefault(key, branch)
    return findings


def _name(typed: Resource) -> tuple[str, str]:
    return typed.metadata.namespace, typed.metadata.name


def _claimed(branches: Iterable[Branch], changed: Sequence[Branch], keys: Keys) -> dict[str, Branch]:
    """Which branch has which entry, without the branches that change."""
    changing = {_name(branch) for branch in changed}
    return {key: branch for branch in branches if _name(branch) not in changing for key in keys(branch)}


def _claims(branch: Branch, claimed: Mapping[str, Branch]) -> Iterator[FieldError]:
    for key, path in entry_keys(branch).items():
        first = claimed.get(key)
        if first is None or _name(first) == _name(branch):
            continue
        where = f"Branch {first.metadata.namespace}/{first.metadata.name}"
        if path == "metadata.name":
            yield FieldError(path, f'"{branch.metadata.name}" is taken by {where} ({key})')
        else:
            yield FieldError(path, f"{key.partition(':')[2]} already enters {where}; choose another value")


def _includes(branch: Branch, around: Surroundings) -> Iterator[FieldError]:
    namespace = branch.metadata.namespace
    names = {name for space, name in around.branches if space == namespace}
    for number, name in enumerate(branch.spec.includes):
        if name not in names:
            yield FieldError(
                f"spec.includes[{number}]",
                f'there is no Branch "{name}" in namespace {namespace}{meant(name, names - {branch.metadata.name})}',
            )
        elif loop := _loop(branch, name, around):
            yield FieldError(f"spec.includes[{number}]", f"is a cycle: {' includes '.join(loop)}")


def _loop(branch: Branch, first: str, around: Surroundings) -> list[str]:
    """The way from a branch back to itself, [] when there is none."""
    goal, namespace = branch.metadata.name, branch.metadata.namespace
    waiting, seen = [[goal, first]], {first}
    while waiting:
        way = waiting.pop()
        included = around.branches.get((namespace, way[-1]))
        for name in included.spec.includes if included is not None else ():
            if name == goal:
                return [*way, goal]
            if name not in seen:
                seen.add(name)
                waiting.append([*way, name])
    return []


def _services(branch: Branch, around: Surroundings) -> Iterator[FieldError]:
    for name, change in branch.spec.services.items():
        path = f"spec.services[{name}]"
        service = around.services.get((branch.metadata.namespace, name))
        if service is None and change.template is None:
            names = {other for space, other in around.services if space == branch.metadata.namespace}
            yield FieldError(
                path,
                f'there is no Service "{name}" in namespace {branch.metadata.namespace}{meant(name, names)}; '
                "a service that only the branch has is a template",
            )
        elif service is not None and name not in branch.spec.data:
            yield from _change(change, service, around, path)
        if change.fork is not None or change.template is not None:
            yield from _name_taken(branch, name, around, path)


def _faults(branch: Branch, around: Surroundings) -> Iterator[FieldError]:
    """Faults of services that neither the mesh nor the branch has."""
    namespace = branch.metadata.namespace
    names = {name for space, name in around.services if space == namespace} | _own_services(branch, around)
    for name in branch.spec.faults:
        if name not in names:
            yield FieldError(
                f"spec.faults[{name}]", f'there is no Service "{name}" in namespace {namespace}{meant(name, names)}'
            )


def _own_services(branch: Branch, around: Surroundings) -> set[str]:
    """What the branch and those that it includes add or change."""
    names: set[str] = set()
    waiting, seen = [branch], {branch.metadata.name}
    while waiting:
        source = waiting.pop()
        names |= own_changes(source).keys()
        for name in source.spec.includes:
            included = around.branches.get((branch.metadata.namespace, name))
            if included is not None and name not in seen:
                seen.add(name)
                waiting.append(included)
    return names


def _stores(branch: Branch, around: Surroundings) -> Iterator[FieldError]:
    """Do the stores name a Service with a workload, all Services of its pods, and clients that exist?"""
    namespace = branch.metadata.namespace
    services = {name: service for (space, name), service in around.services.items() if space == namespace}
    workloads: list[Workload] = [*around.stateful_sets, *around.deployments]
    deployments = {d.metadata.name for d in around.deployments if d.metadata.namespace == namespace}
    for name, store in branch.spec.data.items():
        path = f"spec.data[{name}]"
        if name not in services:
            yield FieldError(path, f'there is no Service "{name}" in namespace {namespace}{meant(name, set(services))}')
            continue
        for number, client in enumerate(store.clients):
            if client not in services and client not in deployments:
                likely = meant(client, {*services, *deployments})
                message = f'there is no Service or Deployment "{client}" in namespace {namespace}{likely}'
                yield FieldError(f"{path}.clients[{number}]", message)
        # Pods are too many to be looked at for every branch: the controller says whether one exists.
        if not store.url and not store.workload.lower().startswith("pod/"):
            yield from _store(name, store, services, workloads, path)


def _store(
    name: str, store: BranchData, services: Mapping[str, Service], workloads: Sequence[Workload], path: str
) -> Iterator[FieldError]:
    service = services[name]
    workload = store_workload(store, service, workloads)
    if workload is None:
        has = ", ".join(map(kind_and_name, store_workloads(service, workloads))) or "none"
        what = f'"{store.workload}" is no workload' if store.workload else "no StatefulSet or Deployment is"
        yield FieldError(f"{path}.workload", f"{what} behind Service {name} (it has {has}); a pod is named as Pod/NAME")
        return
    volumes = data_volumes(workload)
    for number, volume in enumerate(store.volumes):
        every = {one.name for one in pod_spec(workload).volumes} | set(volumes)
        if volume not in every:
            has = ", ".join(sorted(every)) or "none"
            message = f'"{volume}" is not a volume of {kind_and_name(workload)} (it has {has})'
            yield FieldError(f"{path}.volumes[{number}]", message)
    if not volumes and not store.volumes:
        yield FieldError(path, f"{kind_and_name(workload)} has no volumes: there is no data to copy; fork it instead")
    # By a Service that is not listed, the branch's clients would reach the baseline's store.
    for other in other_services(name, workload, services.values()):
        if other not in store.services:
            message = f"Service {other} leads to the same pods and is missing: clients would reach the baseline by it"
            yield FieldError(f"{path}.services", message)


def _name_taken(branch: Branch, service: str, around: Surroundings, path: str) -> Iterator[FieldError]:
    """Is there a Deployment of the name that the fork or template needs, which is not this branch's own?

    The controller would never overwrite it, so the branch could never become ready.
    """
    namespace, name = branch.metadata.namespace, deployment_name(service, branch.metadata.name)
    for deployment in around.deployments:
        if (deployment.metadata.namespace, deployment.metadata.name) != (namespace, name):
            continue
        # By name, not by uid: a Branch that is applied for the first time has no uid yet.
        owners = {owner.name for owner in deployment.metadata.owner_references if owner.group_kind == BRANCH}
        if branch.metadata.name not in owners:
            yield FieldError(
                path,
                f"Deployment {namespace}/{name}, which the branch would create, already exists and does not belong to "
                "the branch; delete it or choose another branch name",
            )


def _change(change: BranchService, service: Service, around: Surroundings, path: str) -> Iterator[FieldError]:
    full_name = f"{service.metadata.namespace}/{service.metadata.name}"
    if change.fork is not None:
        deployment = change.fork.deployment
        candidates = baselines(service, around.deployments)
        if deployment and all(candidate.metadata.name != deployment for candidate in candidates):
            other = _deployment_named(deployment, service, around.deployments)
            if other is not None and BRANCH_LABEL in other.spec.template.metadata.labels:
                owner = other.spec.template.metadata.labels[BRANCH_LABEL]
                message = (
                    f'"{deployment}" is a fork itself, of Branch {owner}; fork the baseline, or include that branch'
                )
            else:
                has = ", ".join(candidate.metadata.name for candidate in candidates) or "none"
                message = f'"{deployment}" is not a Deployment of Service {full_name} (it has {has})'
            yield FieldError(f"{path}.fork.deployment", message)
        elif not candidates:
            yield FieldError(
                f"{path}.fork", f"no Deployment's pods are selected by Service {full_name}: nothing to copy"
            )
        else:
            yield from _container(change.fork.container, baseline_of(deployment, candidates), f"{path}.fork.container")
    if change.version and change.version not in (valid := versions(service, around.deployments, around.rules)):
        yield FieldError(
            f"{path}.version",
            f'"{change.version}" is not a version of Service {full_name} (it has {", ".join(sorted(valid)) or "none"})',
        )


def _container(name: str, deployment: Deployment, path: str) -> Iterator[FieldError]:
    containers = [container.name for container in deployment.spec.template.spec.containers]
    if name and name not in containers:
        owner = f"Deployment {deployment.metadata.namespace}/{deployment.metadata.name}"
        yield FieldError(path, f'"{name}" is not a container of {owner} (it has {", ".join(containers)})')


def _deployment_named(name: str, service: Service, deployments: Iterable[Deployment]) -> Deployment | None:
    space = service.metadata.namespace
    return next((e for e in deployments if (e.metadata.namespace, e.metadata.name) == (space, name)), None)


def baselines(service: Service, deployments: Iterable[Deployment]) -> list[Deployment]:
    """The Deployments whose pods a Service selects, sorted by name; a branch's own are never among them."""
    selector = service.spec.selector.items()
    return sorted(
        (
            deployment
            for deployment in deployments
            if selector
            and deployment.metadata.namespace == service.metadata.namespace
            and BRANCH_LABEL not in deployment.spec.template.metadata.labels
            and selector <= deployment.spec.template.metadata.labels.items()
        ),
        key=lambda deployment: deployment.metadata.name,
    )


def baseline_of(name: str, candidates: Sequence[Deployment]) -> Deployment:
    """The one that a fork copies: the one it names, or the first by name."""
    return next((candidate for candidate in candidates if candidate.metadata.name == name), candidates[0])


def versions(service: Service, deployments: Iterable[Deployment], rules: Iterable[DestinationRule]) -> set[str]:
    """What a branch can name as a version: subsets of the host, and the pods' label `version`."""
    name, namespace = service.metadata.name, service.metadata.namespace
    names = set(aliases(name, namespace, namespace))
    subsets = {
        subset.name
        for rule in rules
        for subset in rule.spec.subsets
        if {rule.spec.host, resolve(rule.spec.host, rule.metadata.namespace)} & names
    }
    labels = (pod_labels.spec.template.metadata.labels for pod_labels in baselines(service, deployments))
    return subsets | {pod_labels["version"] for pod_labels in labels if pod_labels.get("version")}
