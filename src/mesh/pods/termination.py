"""How a pod and its containers are ended.

A pod's end, in this order, as on Kubernetes ("Termination of Pods"):

1. The pod stops being ready, and Envoy has acknowledged that (`drained`): no new request goes to it.
2. Each container's preStop hook runs, then its processes get SIGTERM, then SIGKILL when the grace period is over
   (`terminate`). The hook's time counts against the grace period.
3. What the containers left behind is killed, and the address and the files are freed (`Sandbox.remove`).
4. The object is removed from the store (`mesh.pods.pod.PodRunner`).

A grace period of 0, or a deletion that is repeated with 0 (`hurry`), cuts short whatever step is under way.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from mesh.pods.concurrency import first_completed
from mesh.pods.runtime.interface import RunningProcess
from mesh.resources.core.pod import DEFAULT_GRACE, Pod, Probe

PreStop = Callable[[float], Awaitable[None]]
"""Runs a container's preStop hook, for at most so many seconds."""


def pod_grace(pod: Pod) -> float:
    """Seconds that a pod's containers have after SIGTERM."""
    seconds = pod.spec.termination_grace_period_seconds
    return float(DEFAULT_GRACE if seconds is None else seconds)


def probe_grace(probe: Probe, pod: Pod) -> float:
    """Seconds that a container has after SIGTERM when this startup or liveness probe has failed.

    The probe's own terminationGracePeriodSeconds overrides the pod's (Kubernetes, "Probe-level
    terminationGracePeriodSeconds").
    """
    seconds = probe.termination_grace_period_seconds
    return pod_grace(pod) if seconds is None else float(seconds)


async def drained(settled: Awaitable[None], hurry: asyncio.Event, limit: float) -> None:
    """Waits until Envoy has stopped sending requests to a pod, at most `limit` seconds, or until `hurry` is set."""
    await first_completed(settled, hurry.wait(), limit=limit)


async def terminate(
    process: RunningProcess,
    grace: float,
    hurry: asyncio.Event,
    pre_stop: PreStop | None,
    number: signal.Signals = signal.SIGTERM,
) -> None:
    """Ends a container's process: preStop hook, SIGTERM (or what its image names), SIGKILL.

    SIGKILL comes after `grace` seconds or when `hurry` is set.
    """
    if not process.alive:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    if grace > 0 and not hurry.is_set():
        if pre_stop is not None:
            await first_completed(pre_stop(grace), hurry.wait(), limit=grace)
        process.signal(number)
        await first_completed(process.wait(), hurry.wait(), limit=max(0.0, deadline - loop.time()))
    process.signal(signal.SIGKILL)
