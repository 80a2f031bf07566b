"""Which pods of a StatefulSet to create and to end next, by Kubernetes' rules. Pure.

Source: Kubernetes' StatefulSet ("Deployment and Scaling Guarantees", "Pod Management Policies", "Update strategies").
One call gives one step; the controller takes it, and calls again when a pod has changed.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Member:
    """A pod as the rollout sees it. `available`: ready for minReadySeconds. `failed`: it has ended, however."""

    ordinal: int
    revision: str
    ready: bool = False
    available: bool = False
    terminating: bool = False
    failed: bool = False

    @property
    def healthy(self) -> bool:
        return self.available and not self.terminating


@dataclass(frozen=True, slots=True)
class Plan:
    """What a StatefulSet asks for. `unavailable` pods may be missing during an update."""

    replicas: int
    start: int = 0
    parallel: bool = False
    partition: int = 0
    unavailable: int = 1
    on_delete: bool = False
    current: str = ""
    update: str = ""

    @property
    def ordinals(self) -> range:
        return range(self.start, self.start + self.replicas)

    def revision_of(self, ordinal: int) -> str:
        """The revision that a new pod with this ordinal has: below the partition the former one."""
        if self.on_delete or not self.current:
            return self.update
        return self.current if ordinal < self.start + self.partition else self.update


@dataclass(frozen=True, slots=True)
class Step:
    """The ordinals of the pods to create, in order, and of those to end."""

    create: tuple[int, ...] = ()
    end: tuple[int, ...] = ()


def plan_of(spec: Mapping[str, Any], current: str, update: str) -> Plan:
    """The plan in a StatefulSet's spec, defaults filled in."""
    replicas = int(spec.get("replicas", 1))
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    unavailable = rolling.get("maxUnavailable", 1)
    if isinstance(unavailable, str):
        # Rounded up, so that a percentage of few pods is one pod and not none.
        unavailable = math.ceil(int(unavailable.removesuffix("%")) * replicas / 100)
    return Plan(
        replicas=replicas,
        start=int((spec.get("ordinals") or {}).get("start", 0)),
        parallel=spec.get("podManagementPolicy") == "Parallel",
        partition=int(rolling.get("partition", 0)),
        unavailable=max(1, unavailable),
        on_delete=strategy.get("type") == "OnDelete",
        current=current,
        update=update,
    )


def step(plan: Plan, members: Iterable[Member]) -> Step:
    """The next step towards pods of the right revision at exactly the ordinals of the plan."""
    by_ordinal = {member.ordinal: member for member in members}
    create: list[int] = []
    end: list[int] = []
    for ordinal in plan.ordinals:
        member = by_ordinal.get(ordinal)
        if member is None:
            create.append(ordinal)
        elif member.failed and not member.terminating:
            # Its name must come free before another pod has it.
            end.append(ordinal)
        elif member.healthy or plan.parallel:
            continue
        # With OrderedReady each pod waits until the one before it is available.
        if not plan.parallel:
            return Step(tuple(create), tuple(end))
    surplus = sorted((o for o in by_ordinal if o not in plan.ordinals), reverse=True)
    if surplus:
        end += _shrink(plan, by_ordinal, surplus)
        if not plan.parallel:
            return Step(tuple(create), tuple(end))
    if plan.on_delete or create or end:
        return Step(tuple(create), tuple(end))
    return Step(end=_update(plan, by_ordinal))


def is_complete(plan: Plan, members: Iterable[Member]) -> bool:
    """Whether every pod is there, ready and of the new revision: the new one is then the current one."""
    pods = [member for member in members if not member.terminating]
    fits = [member for member in pods if member.ready and member.revision == plan.update]
    return len(pods) == len(fits) == plan.replicas


def _shrink(plan: Plan, members: Mapping[int, Member], surplus: list[int]) -> list[int]:
    """Ends pods from the highest ordinal; with OrderedReady one at a time, and only when it would leave no gap."""
    living = [ordinal for ordinal in surplus if not members[ordinal].terminating]
    if plan.parallel:
        return living
    return living[:1] if len(living) == len(surplus) else []


def _update(plan: Plan, members: Mapping[int, Member]) -> tuple[int, ...]:
    """Ends pods of the former revision from the highest ordinal, as many as may be unavailable at a time."""
    unavailable = sum(not members[ordinal].healthy for ordinal in plan.ordinals)
    room = plan.unavailable - unavailable
    outdated = [
        ordinal
        for ordinal in reversed(plan.ordinals)
        if ordinal >= plan.start + plan.partition
        and members[ordinal].revision != plan.update
        and not members[ordinal].terminating
    ]
    return tuple(outdated[: max(0, room)])
