"""Why a pod is not ready, from its status alone. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from mesh.resources.core.pod import HINT
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition

# These are the ordinary steps of a start, and explain nothing.
STARTING = (None, "", "ContainerCreating", "PodInitializing")
NO_PROGRAM = "ErrImageNeverPull"
"""A container waits because no program is registered for its image."""


class Cause(NamedTuple):
    """What keeps one container from being ready; `reason` is Kubernetes' word, `message` may have several lines."""

    container: str
    reason: str
    message: str
    image: str = ""

    @property
    def text(self) -> str:
        """Reason and message, without a dangling colon."""
        return f"{self.reason}: {self.message}".rstrip(": ")

    @property
    def hints(self) -> list[str]:
        """What the message says about the way out."""
        return [line.removeprefix(HINT) for line in self.message.splitlines() if line.startswith(HINT)]


def causes(pod: Body) -> Iterator[Cause]:
    """The containers that wait for more than their ordinary start, that have failed, or that fail a probe.

    Init containers come first: the others wait for them.
    """
    status = pod.get("status") or {}
    for group in ("initContainerStatuses", "containerStatuses"):
        for entry in status.get(group) or ():
            state = entry.get("state") or {}
            waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
            name, image = str(entry.get("name", "")), str(entry.get("image", ""))
            if waiting.get("reason") not in STARTING:
                yield Cause(name, waiting["reason"], str(waiting.get("message", "")), image)
            elif terminated.get("exitCode"):
                message = f"ended with exit code {terminated['exitCode']}"
                if said := str(terminated.get("message", "")).strip():
                    message += f"; its last lines:\n{said}"
                yield Cause(name, str(terminated.get("reason") or "Error"), message, image)
    ready = find_condition(status.get("conditions"), "ContainersReady")
    probes = str(ready.get("message", "")).split(PROBE_SEPARATOR)[1:] if ready is not None else []
    for line in probes:
        name, _, message = line.partition(": ")
        yield Cause(name, "Unhealthy", message)


PROBE_SEPARATOR = "; container "
"""In the message of the condition ContainersReady, before `<container>: <probe> probe failed: <how>`."""


def summary(pod: Body) -> str:
    """The first cause in one line; "" when the pod is just starting."""
    for cause in causes(pod):
        if cause.reason == NO_PROGRAM:
            return f'no program is registered for image "{cause.image}"'
        lines = [line for line in cause.text.splitlines() if line.strip() and not line.startswith(HINT)]
        # Of several lines the last one is what the program said at last.
        shown = lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1].strip()}"
        return f"container {cause.container}: {shown}" + "".join(f" ({hint})" for hint in cause.hints)
    return ""
