"""A pod's status as Kubernetes shows it. Pure but for the clock."""

from collections.abc import Mapping
from typing import Protocol

from mesh.pods.container_state import ContainerState
from mesh.pods.controllers.objects import now
from mesh.resources.analysis.unready import PROBE_SEPARATOR
from mesh.resources.core.pod import Pod
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import merge_conditions


class PodView(Protocol):
    """What the status shows of a pod. `exit_codes` are those of the containers that have ended for good, by name.

    `ip` is "" until the pod has a place to run in. `failure` is the reason and the message of a pod that was ended
    before its time (activeDeadlineSeconds); "" otherwise.
    """

    @property
    def ip(self) -> str: ...

    start_time: str
    terminating: bool
    failure: tuple[str, str]

    @property
    def initialized(self) -> bool: ...

    @property
    def exit_codes(self) -> Mapping[str, int]: ...


def pod_status(
    pod: Pod,
    view: PodView,
    init: list[ContainerState],
    containers: list[ContainerState],
    host_ip: str,
    before: Body,
) -> Body:
    """The complete status. Conditions that have not changed keep the times that they have in `before`."""
    ready = bool(containers) and not view.terminating and all(c.ready for c in containers)
    phase = _phase(pod, view, init, containers)
    completed = phase == "Succeeded"
    conditions = [
        _condition("PodScheduled", True),
        _condition("Initialized", view.initialized, *_uninitialized(init, view.initialized)),
        _condition("ContainersReady", ready, *_unready(containers, ready, completed)),
        _condition("Ready", ready, *_unready(containers, ready, completed)),
    ]
    status: Body = {
        "phase": phase,
        "conditions": merge_conditions(before.get("conditions"), conditions, now()),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        **({"podIP": view.ip, "podIPs": [{"ip": view.ip}]} if view.ip else {}),
        "startTime": view.start_time,
        "qosClass": qos_class(pod),
        "containerStatuses": [_container(c) for c in containers],
    }
    if view.failure[0]:
        status["reason"], status["message"] = view.failure
    if init:
        status["initContainerStatuses"] = [_container(c) for c in init]
    return status


def with_ephemeral(status: Body, containers: list[ContainerState]) -> Body:
    """The status with the containers that were added while the pod ran; they change nothing else of it."""
    if not containers:
        return status
    return {**status, "ephemeralContainerStatuses": [{**_container(c), "ready": False} for c in containers]}


def qos_class(pod: Pod) -> str:
    """Guaranteed, Burstable or BestEffort, from the requests and limits of CPU and memory."""
    resources = [
        (c.resources.requests or {}, c.resources.limits or {}) if c.resources else ({}, {}) for c in pod.spec.containers
    ]
    if not any(requests or limits for requests, limits in resources):
        return "BestEffort"
    both = ("cpu", "memory")
    guaranteed = all(
        name in limits and requests.get(name, limits[name]) == limits[name]
        for requests, limits in resources
        for name in both
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _phase(pod: Pod, view: PodView, init: list[ContainerState], containers: list[ContainerState]) -> str:
    names = {c.container.name for c in containers}
    codes = {name: code for name, code in view.exit_codes.items() if name in names}
    sidecars = [c for c in init if c.container.restart_policy == "Always"]
    failed_init = any(view.exit_codes.get(c.container.name, 0) for c in init if c not in sidecars)
    # A phase that is final comes last: with it, the pod's resources are free.
    if any("running" in c.state for c in sidecars):
        return "Running" if view.initialized else "Pending"
    if failed_init or (view.failure[0] and not any("running" in c.state for c in (*init, *containers))):
        return "Failed"
    if containers and len(codes) == len(containers):
        return "Failed" if any(codes.values()) else "Succeeded"
    if view.initialized and any("waiting" not in c.state or c.last_state for c in containers):
        return "Running"
    return "Pending"


def _container(view: ContainerState) -> Body:
    status: Body = {
        "name": view.container.name,
        "state": view.state,
        "lastState": view.last_state if "terminated" not in view.state else {},
        "ready": view.ready,
        "restartCount": view.restarts,
        "image": view.container.image or "",
        "imageID": view.image_id,
        "started": view.started,
    }
    if view.container_id:
        status["containerID"] = view.container_id
    return status


def _condition(kind: str, value: bool, reason: str = "", message: str = "") -> Body:
    fresh: Body = {"type": kind, "status": "True" if value else "False"}
    if reason:
        fresh.update(reason=reason, message=message)
    return fresh


def _unready(containers: list[ContainerState], ready: bool, completed: bool) -> tuple[str, str]:
    if ready:
        return "", ""
    if completed:
        return "PodCompleted", ""
    return _incomplete("ready", [c for c in containers if not c.ready], False)


def _uninitialized(init: list[ContainerState], initialized: bool) -> tuple[str, str]:
    """A sidecar is initialized once it has started, any other init container once it has ended well."""
    waiting = [c for c in init if not (c.ready if c.to_completion else c.started)]
    return _incomplete("initialized", waiting, initialized)


def _incomplete(what: str, views: list[ContainerState], good: bool) -> tuple[str, str]:
    if good:
        return "", ""
    names = " ".join(view.container.name for view in views)
    probes = "".join(f"{PROBE_SEPARATOR}{view.container.name}: {view.unhealthy}" for view in views if view.unhealthy)
    word = "ContainersNotReady" if what == "ready" else "ContainersNotInitialized"
    state = "unready" if what == "ready" else "incomplete"
    return word, f"containers with {state} status: [{names}]{probes}"
