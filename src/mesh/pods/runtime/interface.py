"""How the processes of a pod are started, watched and ended, whatever isolates them.

The rest of `mesh.pods` says *what* runs and *when*. Everything that depends on *where* it runs is behind these three
protocols: a `Runtime` makes a `Sandbox` for each pod, and a sandbox starts `RunningProcess`es. There are two
implementations: `loopback`, child processes in the host's own namespaces, and `namespaces`, through the sandbox agent.

The names follow Kubernetes' Container Runtime Interface (k8s.io/cri-api, RuntimeService).
"""

import asyncio
import signal
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from mesh.pods.images.choice import Way
from mesh.pods.images.container_image import ContainerImage
from mesh.pods.images.support import ImageSupport
from mesh.pods.sandbox.spec import Mount
from mesh.pods.streams.command_streams import CommandStreams, Descriptors
from mesh.resources.core.pod import Container, Pod

# What container runtimes call the terminal of a container.
TERMINAL_TYPE = "xterm"


class StartError(Exception):
    """A process could not be started; the message names the command or the folder."""


class SandboxError(Exception):
    """A pod cannot get a place to run in now; the message says what is missing. A later attempt may succeed."""


class Exit(NamedTuple):
    """How a process ended: its exit code, 128 + signal number when a signal ended it, and that signal or 0."""

    code: int
    signal: int


class CommandResult(NamedTuple):
    """How a command ended, and the first 10 KiB of what it wrote to stdout and stderr."""

    code: int
    output: str


class Limitation(NamedTuple):
    """Something in a manifest that a runtime does not do; shown as a Warning event of the pod."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What a container runs: its name in the pod, command line, environment, working directory and volumes.

    With an `image` its files are the container's, and `user` is who it runs as in there (as in an image's own
    configuration).

    `stdin` gives it an input that clients can write to, `tty` a terminal of its own; otherwise its input is /dev/null.
    """

    container: str
    argv: list[str]
    environment: dict[str, str]
    folder: Path
    mounts: tuple[Mount, ...] = ()
    stdin: bool = False
    tty: bool = False
    image: ContainerImage | None = None
    user: str = ""


class RunningProcess(Protocol):
    """The process of a container: the one that its command line started."""

    @property
    def pid(self) -> int:
        """Its pid as the host sees it."""
        ...

    @property
    def descriptors(self) -> Descriptors:
        """The daemon's ends of its terminal, or of its standard input; whoever started the process closes them."""
        ...

    @property
    def alive(self) -> bool: ...

    async def wait(self) -> Exit:
        """Returns when the process has ended. May be awaited by many."""
        ...

    def signal(self, number: signal.Signals) -> None:
        """Signals the process and those that it started; does nothing once it has ended."""
        ...


class Sandbox(Protocol):
    """Where the containers of one pod run.

    Probes, hooks and commands go through it because a pod's addresses and files may mean something only inside.
    """

    pod: Pod
    """The pod that runs here; replaced when it gets more containers (ephemeral ones)."""

    @property
    def ip(self) -> str:
        """The pod's address."""
        ...

    @property
    def folder(self) -> Path:
        """A folder of the host for the pod's own files. Exists until `remove`."""
        ...

    @property
    def is_captured(self) -> bool:
        """Whether all connections of its programs go through Envoy, so that none can be made before Envoy is there."""
        ...

    @property
    def loopback(self) -> str:
        """The address at which a program finds itself without leaving the pod."""
        ...

    @property
    def host_ip(self) -> str:
        """The node's address, as its pods see it."""
        ...

    def hint(self, last_lines: str) -> str:
        """What the last lines of a program that ended mean here, where that is not obvious; "" otherwise."""
        ...

    def variables(self, container: Container, volumes: Mapping[str, Path], *, from_image: bool) -> Mapping[str, str]:
        """What a program finds in its environment because it runs here; the manifest's variables override them."""
        ...

    def marks(self, container: Container) -> Mapping[str, str]:
        """Variables that nothing overrides: by them processes are recognized."""
        ...

    def owner(self, container: Container, *, from_image: bool) -> tuple[int, int] | None:
        """User and group of the pod's own files; None when they are the mesh's."""
        ...

    def survivor(self, container: str) -> Way | None:
        """Where the process of a container comes from that outlived its daemon; None when there is none."""
        ...

    def running(self, spec: ProcessSpec) -> RunningProcess | None:
        """The process of a container that outlived the daemon that started it as `spec` says; None when it has to be
        started. Gives each process once."""
        ...

    async def start(self, spec: ProcessSpec, output: Path) -> RunningProcess:
        """Starts a container's process without a shell. Raises StartError.

        With a terminal its output is read from `RunningProcess.descriptors`. Without one
        its stdout and stderr are the FIFO `output`, opened for reading *and* writing: a process that is itself a
        reader of its output gets no SIGPIPE when the daemon dies, and goes on writing for the next daemon to read.
        """
        ...

    async def run(self, spec: ProcessSpec, command: Sequence[str], limit: float) -> CommandResult:
        """Runs a command beside the container that `spec` started: an exec probe or a lifecycle hook.

        A command that cannot be started gives 127 and the reason. Raises TimeoutError after `limit` seconds; the
        command and its children are killed then, and when the caller is cancelled.
        """
        ...

    async def open(self, spec: ProcessSpec, command: Sequence[str], *, stdin: bool, tty: bool) -> CommandStreams:
        """Starts a command beside the container that `spec` started and gives its streams: `kubectl exec`.

        Without `stdin` it reads the end of its input at once. Raises StartError.
        """
        ...

    async def connect(
        self, protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> asyncio.Transport:
        """Connects as a program inside the pod would: what a probe does. Raises OSError."""
        ...

    async def reset_connections(self) -> None:
        """Resets the connections that Envoy has to the pod, where that is possible: their requests go elsewhere."""
        ...

    async def kill_remaining(self, container: str = "") -> None:
        """Kills what a container (by default: every container) has left behind after its process ended."""
        ...

    async def remove(self) -> None:
        """Kills what is left, frees the address and removes the pod's files. Idempotent."""
        ...


class Runtime(Protocol):
    """Makes places for pods to run in."""

    async def create(self, pod: Pod) -> Sandbox:
        """Makes the sandbox of a new pod. Raises SandboxError."""
        ...

    async def recover(self, pods: Collection[str]) -> frozenset[str]:
        """Which of these pods (by uid) still run although their daemon has died; everything of others is ended."""
        ...

    def adopt(self, pod: Pod) -> Sandbox | None:
        """The sandbox of a pod that `recover` has found; None for any other."""
        ...

    @property
    def image_support(self) -> ImageSupport: ...

    def limitations(self, pod: Pod, from_image: Collection[str]) -> list[Limitation]:
        """What in this pod's manifest has no effect here, or another one than on a cluster. `from_image` names the
        containers that run from their images."""
        ...
