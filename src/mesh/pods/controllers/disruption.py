"""PodDisruptionBudgets: how many pods an eviction may take now (Kubernetes, "Specifying a Disruption Budget")."""

from collections.abc import Iterable
from typing import NamedTuple

from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.objects import controller, now
from mesh.resources.core.pod_disruption_budget import PodDisruptionBudget
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition, merge_conditions
from mesh.resources.values.durations import share
from mesh.resources.values.ref import (
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    GroupKind,
    Ref,
)
from mesh.resources.values.selectors import selects
from mesh.store import Event, Store, Stored

FINISHED = ("Succeeded", "Failed")
# Kinds that a budget can count the replicas of; the other pods have no number that they should be.
SCALED = (REPLICA_SET, STATEFUL_SET, REPLICATION_CONTROLLER)


class Allowance(NamedTuple):
    """Numbers of pods: those that are healthy, those that must be, those that there should be."""

    healthy: int
    desired: int
    expected: int

    @property
    def disruptions(self) -> int:
        """How many of the healthy ones may be taken away now."""
        return max(0, self.healthy - self.desired) if self.expected > 0 else 0


class DisruptionController(Controller):
    """Writes the status of PodDisruptionBudgets."""

    kind = POD_DISRUPTION_BUDGET

    def reconcile(self, ref: Ref) -> None:
        """One look at one budget."""
        stored = self._objects.store.get(ref)
        if stored is None:
            return
        allowance = allowance_of(self._objects.store, stored)
        generation = int(stored.metadata.get("generation", 1))
        allowed = allowance.disruptions > 0
        condition = {
            "type": "DisruptionAllowed",
            "status": str(allowed),
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
        }
        former = stored.body.get("status") or {}
        self._objects.set_status(
            ref,
            {
                "observedGeneration": generation,
                "disruptionsAllowed": allowance.disruptions,
                "currentHealthy": allowance.healthy,
                "desiredHealthy": allowance.desired,
                "expectedPods": allowance.expected,
                "conditions": merge_conditions(former.get("conditions"), [condition], now(), generation=generation),
            },
        )

    def affected(self, event: Event) -> Iterable[Ref]:
        """The budgets of a pod, by its labels now and before, and those of a workload whose number has changed."""
        ref = event.object.ref
        if ref.group_kind == POD:
            states = [stored for stored in (event.object, event.previous) if stored is not None]
            for budget in self._objects.store.list(*self.kind, ref.namespace):
                if any(covers(budget.typed, stored.metadata.get("labels") or {}) for stored in states):
                    yield budget.ref
        elif ref.group_kind in SCALED or ref.kind == "Deployment":
            yield from (budget.ref for budget in self._objects.store.list(*self.kind, ref.namespace))


def covers(budget: PodDisruptionBudget, labels: dict[str, str]) -> bool:
    """Whether a pod with these labels is one of a budget's: an empty selector selects all, none selects none."""
    return budget.spec.selector is not None and selects(budget.spec.selector, labels)


def budgets_of(store: Store, pod: Stored) -> list[Stored]:
    """The budgets that a pod is covered by."""
    labels = dict(pod.metadata.get("labels") or {})
    budgets = store.list(*POD_DISRUPTION_BUDGET, pod.ref.namespace)
    return [budget for budget in budgets if covers(budget.typed, labels)]


def allowance_of(store: Store, stored: Stored) -> Allowance:
    """What a budget allows now."""
    budget: PodDisruptionBudget = stored.typed
    pods = [
        pod
        for pod in store.list(*POD, stored.ref.namespace)
        if covers(budget, dict(pod.metadata.get("labels") or {})) and _phase(pod) not in FINISHED
    ]
    healthy = sum(is_ready(pod) and not pod.metadata.get("deletionTimestamp") for pod in pods)
    spec = budget.spec
    if isinstance(spec.min_available, int):
        return Allowance(healthy, spec.min_available, len(pods))
    expected = _expected(store, pods)
    if spec.max_unavailable is not None:
        return Allowance(healthy, max(0, expected - share(spec.max_unavailable, expected, up=True)), expected)
    return Allowance(healthy, share(spec.min_available or 0, expected, up=True), expected)


def is_ready(pod: Stored) -> bool:
    """Whether a pod's condition Ready is True."""
    ready = find_condition((pod.body.get("status") or {}).get("conditions"), "Ready")
    return ready is not None and ready["status"] == "True"


def _expected(store: Store, pods: Iterable[Stored]) -> int:
    """How many pods the controllers of these pods should have, each counted once; bare pods do not count."""
    workloads: dict[str, Stored] = {}
    for pod in pods:
        workload = _owner(store, pod)
        # A rollout has several ReplicaSets; the Deployment above them says how many pods there should be.
        if workload is not None and workload.ref.group_kind == REPLICA_SET:
            workload = _owner(store, workload) or workload
        if workload is not None:
            workloads[workload.uid] = workload
    return sum(int((workload.body.get("spec") or {}).get("replicas", 1)) for workload in workloads.values())


def _owner(store: Store, stored: Stored) -> Stored | None:
    reference: Body | None = controller(stored.body)
    if reference is None:
        return None
    owner = store.get(Ref(*GroupKind.of(reference), stored.ref.namespace, str(reference["name"])))
    return owner if owner is not None and owner.uid == reference["uid"] else None


def _phase(pod: Stored) -> str:
    return str((pod.body.get("status") or {}).get("phase", ""))
