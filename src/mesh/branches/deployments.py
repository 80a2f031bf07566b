"""A branch's own Deployments: which there should be, and the changes that lead there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mesh.branches.forks import fork, of_template, one_line
from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import Branch
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import DEPLOYMENT, Ref
from mesh.store import Change, Put, Store, Stored
from mesh.store.cascade import removal


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes to the store, and why a Deployment cannot be created, by service."""

    changes: list[Change] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def plan(
    store: Store, branch: Branch, services: Mapping[tuple[str, str], Service], deployments: Iterable[Deployment]
) -> Plan:
    """What has to change so that the branch has the Deployments of its forks and templates, and no others.

    `deployments` are those that can be a baseline. Nothing is written.
    """
    result = Plan()
    desired: set[Ref] = set()
    for service, body in _desired(branch, services, deployments, result.failures).items():
        ref = Ref("apps", "Deployment", branch.metadata.namespace, body["metadata"]["name"])
        stored = store.get(ref)
        if stored is not None and not _belongs_to(stored, branch):
            result.failures[service] = (
                f"{ref} already exists but does not belong to the branch; delete it or choose another branch name"
            )
            continue
        desired.add(ref)
        if stored is None:
            result.changes.append(Put(ref, body, 0))
        # The rest of its metadata is not the branch's: annotations of kubectl and of rollouts stay.
        elif stored.body["spec"] != body["spec"] or stored.metadata.get("labels") != body["metadata"]["labels"]:
            metadata = {**stored.metadata, "labels": body["metadata"]["labels"]}
            result.changes.append(Put(ref, {**stored.body, "metadata": metadata, "spec": body["spec"]}, stored.version))
    # What the branch no longer mentions goes; Deployments of others are no dependents.
    dependents = store.dependents(branch.metadata.uid)
    result.changes.extend(
        removal(store, [own for own in dependents if own.ref.group_kind == DEPLOYMENT and own.ref not in desired])
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
    for name, change in branch.spec.services.items():
        try:
            if change.template is not None:
                bodies[name] = of_template(branch, name, change.template)
            elif change.fork is not None:
                service = services.get((branch.metadata.namespace, name))
                candidates = baselines(service, deployments) if service is not None else []
                if candidates:
                    bodies[name] = fork(branch, name, change.fork, baseline_of(change.fork.deployment, candidates))
                else:
                    failures[name] = f"no Deployment of Service {name} is left to fork"
        except Invalid as error:
            failures[name] = one_line(error)
    return bodies


def _belongs_to(deployment: Stored, branch: Branch) -> bool:
    """By uid: a branch that was deleted and created again under its name does not own its predecessor's."""
    return any(owner["uid"] == branch.metadata.uid for owner in deployment.metadata.get("ownerReferences", ()))
