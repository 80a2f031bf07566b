"""What branches look at, read from the store only as far as it is needed."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from mesh.branches.status import Observed
from mesh.resources.analysis.unready import causes
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import BRANCH_LABEL, Branch
from mesh.resources.values.meta import Resource
from mesh.resources.values.ref import DEPLOYMENT, GATEWAYS, Ref
from mesh.store import Event, Store, Stored

T = TypeVar("T", bound=Resource)


class ByName(Mapping[tuple[str, str], T]):
    """The objects of a kind by namespace and name, as the store has them at the moment of the look-up.

    With a thousand branches, one branch still needs only the few objects that it names. Objects that do not decode are
    not there.
    """

    def __init__(self, store: Store, type_: type[T]) -> None:
        self._store = store
        self._type = type_
        self._kind = REGISTRY.by_type(type_).group_kind

    def __getitem__(self, key: tuple[str, str]) -> T:
        stored = self._store.get(Ref(*self._kind, *key))
        typed: T | None = self._store.typed(stored) if stored is not None else None
        if typed is None:
            raise KeyError(key)
        return typed

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((typed.metadata.namespace, typed.metadata.name) for typed in self._store.of(self._type))

    def __len__(self) -> int:
        return len(self._store.of(self._type))


class Baselines:
    """The Deployments that can be forked.

    With a thousand branches there are a thousand Deployments of forks: the few baselines among them are remembered.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._remembered: list[Deployment] | None = None

    def take(self, event: Event) -> None:
        """Forgets what is remembered when a baseline has changed; the branches that fork it are due after that."""
        if event.object.ref.group_kind == DEPLOYMENT and not _is_a_branchs(event.object):
            self.forget()

    def forget(self) -> None:
        self._remembered = None

    def all(self) -> list[Deployment]:
        if self._remembered is None:
            self._remembered = [
                deployment
                for deployment in self._store.of(Deployment)
                if BRANCH_LABEL not in deployment.spec.template.metadata.labels
            ]
        return self._remembered


def _is_a_branchs(deployment: Stored) -> bool:
    labels = deployment.body["spec"].get("template", {}).get("metadata", {}).get("labels") or {}
    return BRANCH_LABEL in labels


def observe(store: Store, up: Callable[[str], bool], failure: Callable[[str, str, str], str]) -> Observed:
    """The store as it is; `up` and `failure` as in Observed."""
    return Observed(
        branches=ByName(store, Branch),
        services=ByName(store, Service),
        deployments=ByName(store, Deployment),
        rules=tuple(store.of(DestinationRule)),
        up=up,
        why_waiting=lambda workload: _why_waiting(store, workload),
        failure=failure,
        stateful_sets=ByName(store, StatefulSet),
    )


def has_gateway(store: Store) -> bool:
    """Whether anything makes the mesh listen for requests from outside, besides NodePorts."""
    return any(store.list(*kind) for kind in GATEWAYS)


def _why_waiting(store: Store, workload: Deployment | StatefulSet) -> str:
    """The reason that a container of one of its pods gives for waiting; "" when it is just starting."""
    labels = workload.spec.selector.match_labels.items()
    for pod in store.list("", "Pod", workload.metadata.namespace):
        if labels <= (pod.metadata.get("labels") or {}).items():
            for cause in causes(pod.body):
                return cause.text
    return ""
