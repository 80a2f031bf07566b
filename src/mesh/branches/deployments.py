"""A branch's own workloads: which there should be, and the changes that lead there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mesh.branches.data.state import StoreState
from mesh.branches.data.stores import store_body
from mesh.branches.forks import fork, of_template, one_line
from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.analysis.stores import Workload
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import Branch, own_changes
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import DEPLOYMENT, STATEFUL_SET, Ref
from mesh.store import Change, Put, Store, Stored
from mesh.store.cascade import removal

WORKLOADS = (DEPLOYMENT, STATEFUL_SET)


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes to the store, and why a workload cannot be created, by service."""

    changes: list[Change] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def plan(
    store: Store,
    branch: Branch,
    services: Mapping[tuple[str, str], Service],
    deployments: Iterable[Deployment],
    data: Mapping[str, StoreState] | None = None,
    workload: Callable[[str], Workload | None] = lambda _: None,
) -> Plan:
    """What has to change so that the branch has the workloads of its forks, templates and stores, and no others.

    `deployments` are those that can be a baseline, `data` says how far the branch's stores are, and `workload` gives
    the baseline's by the name of the store. Nothing is written.
    """
    result = Plan()
    desired: set[Ref] = set()
    bodies = _stores(branch, data or {}, workload, result.failures)
    others = _desired(branch, services, deployments, result.failures)
    # A client that starts before its store would only fail; one that runs already finds the new store by itself.
    waits_for = [name for name, state in (data or {}).items() if state.phase != "Ready"]
    for service, body in {**bodies, **others}.items():
        ref = Ref("apps", body["kind"], branch.metadata.namespace, body["metadata"]["name"])
        stored = store.get(ref)
        if stored is not None and not _belongs_to(stored, branch):
            result.failures[service] = (
                f"{ref} already exists but does not belong to the branch; delete it or choose another branch name"
            )
            continue
        desired.add(ref)
        if stored is None and service in others and waits_for:
            result.failures[service] = f"waits for the data of {', '.join(waits_for)}"
        elif stored is None:
            result.changes.append(Put(ref, body, 0))
        # The rest of its metadata is not the branch's: annotations of kubectl and of rollouts stay.
        elif stored.body["spec"] != body["spec"] or stored.metadata.get("labels") != body["metadata"]["labels"]:
            metadata = {**stored.metadata, "labels": body["metadata"]["labels"]}
            result.changes.append(Put(ref, {**stored.body, "metadata": metadata, "spec": body["spec"]}, stored.version))
    # What the branch no longer mentions goes; Deployments of others are no dependents.
    dependents = store.dependents(branch.metadata.uid)
    result.changes.extend(
        removal(store, [own for own in dependents if own.ref.group_kind in WORKLOADS and own.ref not in desired])
    )
    return result


def _desired(
    branch: Branch,
    services: Mapping[tuple[str, str], Service],
    deployments: Iterable[Deployment],
    failures: dict[str, str],
) -> dict[str, Body]:
    """The Deployments by service; what stands in the way of one goes to `failures`."""
    bodies: dict[str, Body] = {}
    stores = {service for name, store in branch.spec.data.items() for service in (name, *store.services)}
    for name, change in own_changes(branch).items():
        if name in stores:
            continue
        try:
            if change.template is not None:
                bodies[name] = of_template(branch, name, change.template)
            elif change.fork is not None:
                service = services.get((branch.metadata.namespace, name))
                candidates = baselines(service, deployments) if service is not None else []
                if service is None:
                    # A client of a store that nobody calls, such as one that takes from a queue.
                    candidates = [d for d in deployments if _name(d) == (branch.metadata.namespace, name)]
                if candidates:
                    bodies[name] = fork(branch, name, change.fork, baseline_of(change.fork.deployment, candidates))
                else:
                    failures[name] = f"no Deployment of Service {name} is left to fork"
        except Invalid as error:
            failures[name] = one_line(error)
    return bodies


def _stores(
    branch: Branch,
    data: Mapping[str, StoreState],
    workload: Callable[[str], Workload | None],
    failures: dict[str, str],
) -> dict[str, Body]:
    """The workloads of the stores that have their copies."""
    bodies: dict[str, Body] = {}
    for name, state in data.items():
        source = workload(name) if state.replicas else None
        if source is None:
            failures[name] = state.message or "has no data yet"
            continue
        try:
            bodies[name] = store_body(branch, name, source, state.replicas)
        except Invalid as error:
            failures[name] = one_line(error)
    return bodies


def _name(deployment: Deployment) -> tuple[str, str]:
    return deployment.metadata.namespace, deployment.metadata.name


def _belongs_to(deployment: Stored, branch: Branch) -> bool:
    """By uid: a branch that was deleted and created again under its name does not own its predecessor's."""
    return any(owner["uid"] == branch.metadata.uid for owner in deployment.metadata.get("ownerReferences", ()))
