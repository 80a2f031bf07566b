"""The columns of pods: the words that kubectl has for what a pod is doing (pkg/printers/internalversion, printPod)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.columns.column import NONE, Column, since, spec, status, with_name_and_age
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition

FINAL = ("Succeeded", "Failed")


def pod_state(pod: Mapping[str, Any]) -> str:
    """The word for a pod: what an init container is at, otherwise a container's reason, otherwise the phase."""
    phase = str(status(pod).get("phase", "Pending"))
    if pod["metadata"].get("deletionTimestamp") and phase not in FINAL:
        return "Terminating"
    if (initializing := _initializing(pod)) and not _is_true(pod, "Initialized"):
        return initializing
    word = str(status(pod).get("reason") or phase)
    running = False
    # From the last to the first: with several reasons the first container's is shown.
    for entry in reversed(_main(pod)):
        state = entry.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            word = str(waiting["reason"])
        elif terminated is not None:
            word = _end(terminated)
        elif entry.get("ready") and "running" in state:
            running = True
    if word == "Completed" and running:
        return "Running" if _is_true(pod, "Ready") else "NotReady"
    return word


def _initializing(pod: Mapping[str, Any]) -> str:
    """What the first init container that is not over is at; "" when all are."""
    sidecars = _sidecars(pod)
    for number, entry in enumerate(_init(pod)):
        state = entry.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if terminated is not None and terminated.get("exitCode") == 0:
            continue
        if entry.get("name") in sidecars and entry.get("started"):
            continue
        if terminated is not None:
            return f"Init:{_end(terminated)}"
        if waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{number}/{len(spec(pod).get('initContainers') or ())}"
    return ""


def _end(terminated: Body) -> str:
    """How a container ended."""
    if reason := terminated.get("reason"):
        return str(reason)
    signal = terminated.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"


def _sidecars(pod: Mapping[str, Any]) -> set[str]:
    return {
        str(container.get("name"))
        for container in spec(pod).get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }


def _init(pod: Mapping[str, Any]) -> Sequence[Body]:
    return status(pod).get("initContainerStatuses") or []


def _main(pod: Mapping[str, Any]) -> Sequence[Body]:
    return status(pod).get("containerStatuses") or []


def _is_true(pod: Mapping[str, Any], type_: str) -> bool:
    condition = find_condition(status(pod).get("conditions"), type_)
    return condition is not None and condition["status"] == "True"


def _lasting(pod: Mapping[str, Any]) -> Iterator[Body]:
    """The states of the containers that run as long as the pod does: sidecars and main containers."""
    sidecars = _sidecars(pod)
    yield from (entry for entry in _init(pod) if entry.get("name") in sidecars)
    yield from _main(pod)


def _ready(pod: Mapping[str, Any]) -> str:
    ready = sum(bool(entry.get("ready")) for entry in _lasting(pod))
    return f"{ready}/{len(spec(pod).get('containers', [])) + len(_sidecars(pod))}"


def _restarts(pod: Mapping[str, Any]) -> str:
    """Of what runs now: of the init containers until they are over, then of the others."""
    initializing = _initializing(pod) and not _is_true(pod, "Initialized")
    entries = list(_init(pod) if initializing else _lasting(pod))
    count = sum(entry.get("restartCount", 0) for entry in entries)
    ends = [(entry.get("lastState") or {}).get("terminated", {}).get("finishedAt") for entry in entries]
    last = max((end for end in ends if end), default="")
    return f"{count} ({since(last)} ago)" if count and last else str(count)


def runs_from(pod: Mapping[str, Any]) -> str:
    """Whether its containers run from their images, as programs of this machine, or both."""
    started = [entry for entry in (*_init(pod), *_main(pod)) if entry.get("containerID")]
    return ",".join(sorted({"image" if entry.get("imageID") else "machine" for entry in started})) or NONE


POD = with_name_and_age(
    Column("Ready", _ready),
    Column("Status", pod_state),
    Column("Restarts", _restarts),
    Column("IP", lambda b: status(b).get("podIP") or NONE, wide=True),
    Column("Node", lambda b: spec(b).get("nodeName") or NONE, wide=True),
    Column("Nominated Node", lambda b: NONE, wide=True),
    Column("Readiness Gates", lambda b: NONE, wide=True),
    Column("Runs From", runs_from, wide=True),
)
