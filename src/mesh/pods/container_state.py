"""What Kubernetes shows of a container: ContainerStatus (core/v1), and the changes it goes through."""

from dataclasses import dataclass, field

from mesh.pods.controllers.objects import now
from mesh.pods.runtime.interface import Exit
from mesh.resources.core.pod import Container
from mesh.resources.values.body import Body

CREATING = "ContainerCreating"
INITIALIZING = "PodInitializing"
"""Why a container waits that nobody has started yet: of a pod with init containers, it is this one."""


def _creating() -> Body:
    return {"waiting": {"reason": CREATING}}


@dataclass(slots=True)
class ContainerState:
    """`state` and `last_state` are Kubernetes' ContainerState: waiting, running or terminated.

    A container that runs `to_completion` (an init container) is ready once it has ended well, and not before.
    """

    container: Container
    state: Body = field(default_factory=_creating)
    last_state: Body = field(default_factory=dict)
    restarts: int = 0
    started: bool = False
    ready: bool = False
    container_id: str = ""
    image_id: str = ""
    to_completion: bool = False
    unhealthy: str = ""
    """How a probe failed at last, while the container is not ready because of it."""

    def expect(self, reason: str, *, to_completion: bool) -> None:
        """It has not been started yet: why, and what it is there for."""
        self.state = {"waiting": {"reason": reason}}
        self.to_completion = to_completion

    def run(self, pid: int, image_id: str = "") -> None:
        """Its process has started. Started and ready at once, except where a probe has to say so.

        One that has ports and no probe is ready once it listens (see `HealthWatch`): in a cluster, too, its program
        listens a little later, and requests of that moment fail.
        """
        self.state = {"running": {"startedAt": now()}}
        self.container_id = f"mesh://{pid}"
        self.image_id = image_id
        self.started = False
        self.ready = False
        self.unhealthy = ""
        if self.container.startup_probe is None:
            self.start_up()
            self.ready = self.ready and not self.container.tcp_ports

    def restore(self, status: Body) -> None:
        """Takes what the previous daemon has written of it (ContainerStatus)."""
        self.state = dict(status.get("state") or self.state)
        self.last_state = dict(status.get("lastState") or {})
        self.restarts = int(status.get("restartCount") or 0)
        self.container_id = str(status.get("containerID") or "")
        self.image_id = str(status.get("imageID") or "")
        self.started, self.ready = bool(status.get("started")), bool(status.get("ready"))

    def start_up(self) -> None:
        """The startup probe has succeeded, or there is none."""
        self.started = True
        self.ready = self.container.readiness_probe is None and not self.to_completion

    def wait(self, reason: str, message: str) -> bool:
        """It cannot run now; returns whether that was not already shown."""
        waiting = {"reason": reason, "message": message}
        changed = self.state.get("waiting") != waiting
        self.state = {"waiting": waiting}
        self.ready = self.started = False
        return changed

    def terminate(self, ended: Exit, last_lines: str) -> None:
        """Its process has ended; `last_lines` of its log explain a failure."""
        running = self.state.get("running") or {}
        terminated: Body = {
            "exitCode": ended.code,
            "reason": "Completed" if ended.code == 0 else "Error",
            "startedAt": running.get("startedAt", now()),
            "finishedAt": now(),
            "containerID": self.container_id,
        }
        if ended.signal:
            terminated["signal"] = ended.signal
        if ended.code and last_lines:
            terminated["message"] = last_lines
        self.state = {"terminated": terminated}
        self.last_state = {"terminated": terminated}
        self.started = False
        self.ready = self.to_completion and ended.code == 0
