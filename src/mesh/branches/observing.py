"""What a round of branches looks at, read from the store once for all of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mesh.branches.status import Observed
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import BRANCH_LABEL, Branch
from mesh.resources.values.ref import DEPLOYMENT
from mesh.store import Change, Delete, Store, Stored


@dataclass(frozen=True, slots=True)
class Round:
    """`deployments` is the mapping that `observed` reads, too; `baselines` are the Deployments that can be forked.

    With a thousand branches there are a thousand Deployments of forks: finding the baselines among them once a round
    rather than once a branch keeps a round linear.
    """

    observed: Observed
    deployments: dict[tuple[str, str], Deployment]
    baselines: list[Deployment]

    def enter(self, changes: Iterable[Change], states: Iterable[Stored]) -> None:
        """Takes in the changes of Deployments that the round has committed itself, with the states after them."""
        for change, state in zip(changes, states, strict=True):
            if change.ref.group_kind != DEPLOYMENT:
                continue
            key = (change.ref.namespace, change.ref.name)
            if isinstance(change, Delete):
                self.deployments.pop(key, None)
            else:
                self.deployments[key] = state.typed


def observe(store: Store, up: Callable[[str], bool], failure: Callable[[str, str, str], str]) -> Round:
    """The store as it is now; `up` and `failure` as in Observed."""
    deployments = {(d.metadata.namespace, d.metadata.name): d for d in store.of(Deployment)}
    observed = Observed(
        branches={(b.metadata.namespace, b.metadata.name): b for b in store.of(Branch)},
        services={(s.metadata.namespace, s.metadata.name): s for s in store.of(Service)},
        deployments=deployments,
        rules=tuple(store.of(DestinationRule)),
        up=up,
        why_waiting=lambda deployment: _why_waiting(store, deployment),
        failure=failure,
    )
    candidates = [d for d in deployments.values() if BRANCH_LABEL not in d.spec.template.metadata.labels]
    return Round(observed, deployments, candidates)


def _why_waiting(store: Store, deployment: Deployment) -> str:
    """The reason that a container of one of its pods gives for waiting; "" when it is just starting."""
    labels = deployment.spec.selector.match_labels.items()
    for pod in store.of(Pod, deployment.metadata.namespace):
        if labels <= pod.metadata.labels.items():
            for container in pod.status.container_statuses:
                waiting = container.state.get("waiting") or {}
                if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                    return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    return ""
