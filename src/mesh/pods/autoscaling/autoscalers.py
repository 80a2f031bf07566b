"""Scales workloads by what their pods use (Kubernetes' HorizontalPodAutoscaler)."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from mesh.pods.autoscaling.decision import (
    READY,
    TOO_FEW,
    TOO_MANY,
    WITHIN,
    Desired,
    History,
    Recommendation,
    Rescale,
    desired_replicas,
)
from mesh.pods.autoscaling.metrics import Reading, Unknown, read
from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.disruption import is_ready
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects, now
from mesh.pods.host.usage import Usage, UsageMeter
from mesh.resources.core.horizontal_pod_autoscaler import HorizontalPodAutoscaler
from mesh.resources.core.pod import Pod
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import merge_conditions
from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.ref import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    GroupKind,
    Ref,
)
from mesh.resources.values.selectors import selects
from mesh.store import Stored

SCALABLE = (DEPLOYMENT, STATEFUL_SET, REPLICA_SET, REPLICATION_CONTROLLER)
State = tuple[bool, str, str]
HAS_SCALE = (True, "SucceededGetScale", "the HPA controller was able to get the target's current scale")


class Outcome(NamedTuple):
    """One look at the metrics: what they ask for (None: nothing is known), the status, and why."""

    proposed: int | None
    current_metrics: list[Body]
    active: State
    reason: str = ""


class AutoscalerController(Controller):
    """Reads the metrics every `every` seconds, changes the number of replicas, and writes the status."""

    kind = HORIZONTAL_POD_AUTOSCALER

    def __init__(
        self, objects: Objects, events: Recorder, every: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(objects)
        self._events = events
        self._every = every
        self._clock = clock
        self._meter = UsageMeter(objects.store)
        self._usage = Usage(1.0, {})
        self._measurement = 0
        self._wake = asyncio.Event()
        # By the autoscaler's uid: what it did and wanted, and of which generation and measurement its last decision is.
        self._histories: dict[str, History] = {}
        self._decided: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        """Measures again and again as long as there are autoscalers, and at once when there is a new one."""
        while True:
            self._wake.clear()
            autoscalers = self._objects.store.list(*self.kind)
            if autoscalers:
                pods = {pod.metadata.uid for stored in autoscalers for pod in self._pods(self._target(stored))}
                self._usage = await self._meter.measure(pods)
                self._measurement += 1
            present = {stored.uid for stored in autoscalers}
            self._histories = {uid: history for uid, history in self._histories.items() if uid in present}
            # A new one is decided about with the first measurement that has its pods.
            self._decided = {uid: self._decided.get(uid, (0, 0)) for uid in present}
            for stored in autoscalers:
                self.queue.add(stored.ref)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._every)

    def reconcile(self, ref: Ref) -> None:
        """One decision about one workload."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.metadata.get("deletionTimestamp"):
            return
        if stored.uid not in self._decided:
            self._wake.set()
            return
        # Its own writes bring the controller here again: what has been decided about is not decided anew.
        occasion = (int(stored.metadata.get("generation", 1)), self._measurement)
        if self._decided[stored.uid] == occasion:
            return
        self._decided[stored.uid] = occasion
        self._scale(stored)

    def _scale(self, stored: Stored) -> None:
        autoscaler: HorizontalPodAutoscaler = stored.typed
        target = self._target(stored)
        if target is None:
            reference = autoscaler.spec.scale_target_ref
            why = f'{reference.kind} "{reference.name}" not found'
            message = f"the HPA controller was unable to get the target's current scale: {why}"
            self._events.warning(stored, "FailedGetScale", message)
            self._write(stored, None, 0, [], [("AbleToScale", (False, "FailedGetScale", message))])
            return
        current = int(target.body["spec"].get("replicas", 1))
        if current == 0:
            message = "scaling is disabled since the replica count of the target is zero"
            able = (
                "AbleToScale",
                HAS_SCALE,
            )
            self._write(stored, target, 0, [], [able, ("ScalingActive", (False, "ScalingDisabled", message))])
            return
        outcome = self._read(stored, autoscaler, target, current)
        desired = self._decide(stored, autoscaler, current, outcome)
        if desired.replicas != current:
            desired = self._rescale(stored, target, current, desired, outcome.reason)
        conditions = [
            ("AbleToScale", desired.able),
            ("ScalingActive", outcome.active),
            ("ScalingLimited", desired.limited),
        ]
        self._write(stored, target, desired.replicas, outcome.current_metrics, conditions)

    def _target(self, stored: Stored) -> Stored | None:
        reference = stored.body["spec"]["scaleTargetRef"]
        kind = GroupKind.of(reference)
        return (
            self._objects.store.get(Ref(*kind, stored.ref.namespace, reference["name"])) if kind in SCALABLE else None
        )

    def _pods(self, target: Stored | None) -> list[Pod]:
        """The pods that count: selected by the workload, ready, and not on their way out."""
        if target is None:
            return []
        selector = target.body["spec"].get("selector") or {}
        if target.ref.group_kind == REPLICATION_CONTROLLER:
            labels = LabelSelector(match_labels=selector)
        else:
            labels = target.typed.spec.selector
        return [
            pod.typed
            for pod in self._objects.store.list(*POD, target.ref.namespace)
            if is_ready(pod)
            and not pod.metadata.get("deletionTimestamp")
            and selects(labels, pod.metadata.get("labels") or {})
        ]

    def _read(self, stored: Stored, autoscaler: HorizontalPodAutoscaler, target: Stored, current: int) -> Outcome:
        """All metrics; that which asks for most counts. One that is unknown forbids to scale down, as in Kubernetes."""
        pods = self._pods(target)
        readings: list[Reading] = []
        failures: list[Unknown] = []
        for metric in autoscaler.spec.metrics:
            try:
                readings.append(read(metric, pods, self._usage, current))
            except Unknown as unknown:
                failures.append(unknown)
        best = max(readings, key=lambda reading: reading.replicas, default=None)
        metrics = [reading.current for reading in readings]
        if failures and (best is None or best.replicas < current):
            failure = failures[0]
            message = f"the HPA was unable to compute the replica count: {failure.message}"
            self._events.warning(stored, failure.reason, failure.message)
            return Outcome(None, metrics, (False, failure.reason, message))
        if best is None:
            return Outcome(None, metrics, (False, "InvalidMetricSourceType", "no metric is given"))
        message = f"the HPA was able to successfully calculate a replica count from {best.name}"
        return Outcome(best.replicas, metrics, (True, "ValidMetricFound", message), best.name)

    def _decide(self, stored: Stored, autoscaler: HorizontalPodAutoscaler, current: int, outcome: Outcome) -> Desired:
        spec = autoscaler.spec
        # Limits hold whatever the metrics say.
        if current > spec.max_replicas:
            return Desired(spec.max_replicas, READY, TOO_MANY)
        if current < spec.min_replicas:
            return Desired(spec.min_replicas, READY, TOO_FEW)
        if outcome.proposed is None:
            return Desired(current, HAS_SCALE, WITHIN)
        moment = self._clock()
        # The present number counts as wanted so far: a new autoscaler takes nothing away within its first window.
        first = History(recommendations=[Recommendation(moment, current)])
        history = self._histories.get(stored.uid, first).trimmed(moment)
        self._histories[stored.uid] = history
        desired = desired_replicas(spec, current, outcome.proposed, history, moment)
        history.recommendations.append(Recommendation(moment, outcome.proposed))
        return desired

    def _rescale(self, stored: Stored, target: Stored, current: int, desired: Desired, metric: str) -> Desired:
        size = desired.replicas
        self._objects.update(target.ref, lambda body: body["spec"].update(replicas=size))
        history = self._histories.setdefault(stored.uid, History())
        history.rescales.append(Rescale(self._clock(), size - current))
        if not metric:
            limit = "above Spec.MaxReplicas" if size < current else "below Spec.MinReplicas"
            reason = f"Current number of replicas {limit}"
        else:
            reason = f"{metric} above target" if size > current else "All metrics below target"
        self._events.normal(stored, "SuccessfulRescale", f"New size: {size}; reason: {reason}")
        message = f"the HPA controller was able to update the target scale to {size}"
        return desired._replace(able=(True, "SucceededRescale", message))

    def _write(
        self, stored: Stored, target: Stored | None, desired: int, metrics: list[Body], states: list[tuple[str, State]]
    ) -> None:
        conditions = [
            {"type": kind, "status": str(holds), "reason": reason, "message": message}
            for kind, (holds, reason, message) in states
        ]
        former = stored.body.get("status") or {}
        status: Body = {
            "currentReplicas": int(((target.body if target else {}).get("status") or {}).get("replicas", 0)),
            "desiredReplicas": desired,
            "currentMetrics": metrics,
            "conditions": merge_conditions(former.get("conditions"), conditions, now()),
        }
        if any(reason == "SucceededRescale" for _, (_, reason, _) in states):
            status["lastScaleTime"] = now()
        elif former.get("lastScaleTime"):
            status["lastScaleTime"] = former["lastScaleTime"]
        self._objects.set_status(stored.ref, status)
