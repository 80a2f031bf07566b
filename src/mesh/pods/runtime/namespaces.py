"""Pods in namespaces of their own: network, file system, host name, processes.

The sandbox agent (`mesh.pods.sandbox`) does what needs a namespace; this decides what it is asked to do.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from mesh.pods.host.pod_processes import output_folder
from mesh.pods.images.choice import IMAGE, MACHINE, Way
from mesh.pods.images.support import ImageSupport
from mesh.pods.network.addresses import MESH_ADDRESS
from mesh.pods.network.pools import API_ADDRESS, NamespaceAddresses, NoAddressFree
from mesh.pods.runtime.identity import MESH_UID, identity_of
from mesh.pods.runtime.image_sandbox import ROOTS, fresh_root, image_spec, roots_of, volume_owner
from mesh.pods.runtime.interface import (
    TERMINAL_TYPE,
    CommandResult,
    Limitation,
    ProcessSpec,
    SandboxError,
    StartError,
)
from mesh.pods.runtime.limitations import of_namespaces
from mesh.pods.runtime.namespace_process import EndedProcess, NamespaceProcess
from mesh.pods.runtime.pod_files import PodFiles
from mesh.pods.runtime.program_sandbox import WORK, program_spec
from mesh.pods.sandbox.client import Agent, AgentError
from mesh.pods.sandbox.client import Process as AgentProcess
from mesh.pods.sandbox.spec import LiveProcess, PodNetwork, ProcessExit
from mesh.pods.sandbox.spec import ProcessSpec as AgentSpec
from mesh.pods.streams.command_streams import CommandStreams, Descriptors, Pipes, terminal
from mesh.resources.core.ephemeral_container import EphemeralContainer
from mesh.resources.core.pod import Container, Pod

_LOG = logging.getLogger(__name__)

OUTPUT_LIMIT = 10 * 1024
# Where in-cluster clients find the API.
API_VARIABLES = {
    "KUBERNETES_SERVICE_HOST": API_ADDRESS,
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_PORT": f"tcp://{API_ADDRESS}:443",
}


class _Survivor(NamedTuple):
    """A pod that runs although its daemon has died: its network, its processes by container, and how those containers
    ended that have no process any more.
    """

    network: PodNetwork
    processes: dict[str, LiveProcess]
    exits: dict[str, ProcessExit]


class NamespaceRuntime:
    """`mesh.pods.runtime.interface.Runtime` through the sandbox agent."""

    def __init__(self, home: Path, agent: Agent, addresses: NamespaceAddresses) -> None:
        self._home = home
        self.agent = agent
        self.addresses = addresses
        self._survivors: dict[str, _Survivor] = {}
        self._is_flat = False

    async def recover(self, pods: Collection[str]) -> frozenset[str]:
        """Asks the agent, which outlives the daemon, what runs and how containers ended that nobody waited for."""
        state = await self.agent.list()
        self._is_flat = state.is_flat
        networks = {network.uid: network for network in state.pods}
        running: dict[str, dict[str, LiveProcess]] = {}
        strays = []
        for process in state.processes:
            if process.pod in pods and process.pod in networks and not process.joined:
                running.setdefault(process.pod, {})[process.name] = process
            elif process.pod:
                strays.append(process)
        for stray in strays:
            await self.agent.signal(stray.key, signal.SIGKILL)
            with suppress(AgentError):
                await self.agent.process(stray).wait()
        exits: dict[str, dict[str, ProcessExit]] = {}
        for ended in state.exits:
            # Commands beside a container have names such as "main/command". Of several ends the last one counts.
            if ended.pod in pods and ended.pod in networks and "/" not in ended.name:
                exits.setdefault(ended.pod, {})[ended.name] = ended
        unread = {ended.key for by_container in exits.values() for ended in by_container.values()}
        seen = [ended.key for ended in state.exits if ended.key not in unread]
        await self.agent.acknowledge([*seen, *(stray.key for stray in strays)])
        for uid, network in networks.items():
            if uid in running or uid in exits:
                self.addresses.claim(network.address)
                self._survivors[uid] = _Survivor(network, running.get(uid, {}), exits.get(uid, {}))
            else:
                await self.agent.remove_pod_network(uid)
        folders = (self._home / "pods").glob(f"*/{ROOTS}")
        if abandoned := [path for path in folders if path.parent.name not in self._survivors]:
            await self.remove_trees(abandoned)
        return frozenset(self._survivors)

    def adopt(self, pod: Pod) -> "NamespaceSandbox | None":
        survivor = self._survivors.pop(pod.metadata.uid or "", None)
        if survivor is None:
            return None
        folder = self._home / "pods" / (pod.metadata.uid or "")
        return NamespaceSandbox(pod, survivor.network.address, folder, self._home, self, survivor)

    async def create(self, pod: Pod) -> "NamespaceSandbox":
        """Gives the pod an address, a network and a folder."""
        uid = pod.metadata.uid or ""
        try:
            ip = self.addresses.pod_ip()
        except NoAddressFree as error:
            raise SandboxError(str(error)) from None
        folder = self._home / "pods" / uid
        try:
            # Its processes may be somebody else's; what lies in it has rights of its own.
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
            work = folder / WORK
            work.mkdir(exist_ok=True)
            work.chmod(0o777)  # whoever the pod's containers run as; the folders above let nobody in
            await self.agent.create_pod_network(uid, pod.metadata.name, ip)
        except (OSError, AgentError) as error:
            self.addresses.release(ip)
            raise SandboxError(str(error)) from None
        return NamespaceSandbox(pod, ip, folder, self._home, self)

    async def remove_trees(self, paths: Sequence[Path]) -> None:
        """Removes folders whose files may belong to other ids than the daemon's. Logs what cannot be removed."""
        spec = AgentSpec(
            ("/bin/rm", "-rf", "--", *map(str, paths)), {}, name="remove", capabilities=("DAC_OVERRIDE", "FOWNER")
        )
        try:
            process = await self.agent.spawn(spec)
            ended = await process.wait()
            await self.agent.acknowledge([ended.key])
        except AgentError as error:
            _LOG.warning("%s: %s", paths[0], error)

    async def fresh_root(self, folder: Path, spec: ProcessSpec) -> Path:
        """A folder for what a container changes; those of its former starts are removed. Raises StartError."""
        if former := roots_of(folder, spec.container):
            await self.remove_trees(former)
        try:
            return fresh_root(folder, spec.container, spec.image.layers if spec.image is not None else ())
        except OSError as error:
            raise StartError(f"cannot make a folder for its files {error.filename}: {error.strerror}") from None

    @property
    def image_support(self) -> ImageSupport:
        return ImageSupport(is_flat=self._is_flat)

    def limitations(self, pod: Pod, from_image: Collection[str]) -> list[Limitation]:
        limitations = of_namespaces(pod)
        for container in (*pod.spec.init_containers, *pod.spec.containers):
            if container.name not in from_image:
                limitations += identity_of(pod, container).limitations
        return limitations


class NamespaceSandbox:
    """`mesh.pods.runtime.interface.Sandbox`: a network namespace, and a root file system for each container."""

    def __init__(
        self,
        pod: Pod,
        ip: str,
        folder: Path,
        home: Path,
        runtime: NamespaceRuntime,
        survivor: _Survivor | None = None,
    ) -> None:
        self.ip = ip
        self.folder = folder
        self.pod = pod
        self._uid = pod.metadata.uid or ""
        self._home = home
        self._runtime = runtime
        self._files = PodFiles(pod, ip, folder, _users(pod))
        self._survivors = dict(survivor.processes) if survivor is not None else {}
        self._exits = _unnoticed(pod, survivor.exits) if survivor is not None else {}
        self._running: dict[str, NamespaceProcess | EndedProcess] = {}
        self._specs: dict[str, AgentSpec] = {}
        self._removed = False

    @property
    def is_captured(self) -> bool:
        return True

    @property
    def loopback(self) -> str:
        return "127.0.0.1"

    @property
    def host_ip(self) -> str:
        return MESH_ADDRESS

    def hint(self, last_lines: str) -> str:
        """Nothing: programs fail here as they do in a container."""
        return ""

    def variables(self, container: Container, volumes: Mapping[str, Path], *, from_image: bool) -> Mapping[str, str]:
        """What a cluster sets, and nothing else. A user that is not the mesh's has no use for its home."""
        variables = {"HOSTNAME": self._files.hostname, **API_VARIABLES}
        if not from_image and identity_of(self.pod, container).uid not in (None, os.getuid()):
            variables |= {"HOME": str(self.folder), "TMPDIR": "/tmp"}  # noqa: S108 - the pod's own
        return variables

    def marks(self, container: Container) -> Mapping[str, str]:
        """Nothing: the agent knows its processes without."""
        return {}

    def owner(self, container: Container, *, from_image: bool) -> tuple[int, int] | None:
        if from_image:
            return (
                volume_owner(self.pod, container)
                if os.getuid() == 0 and not self._runtime.image_support.is_flat
                else None
            )
        identity = identity_of(self.pod, container)
        if identity.uid is None or os.getuid() != 0:
            return None
        gid = identity.fs_group if identity.fs_group is not None else identity.gid
        # Uid 0 of a container stands for the mesh's unprivileged user on the machine.
        return (identity.uid or MESH_UID, gid or MESH_UID)

    def survivor(self, container: str) -> Way | None:
        if container not in self._survivors:
            return None
        return IMAGE if roots_of(self.folder, container) else MACHINE

    def running(self, spec: ProcessSpec) -> NamespaceProcess | EndedProcess | None:
        if (live := self._survivors.pop(spec.container, None)) is None:
            # One that has ended while there was no daemon did its work, and must not do it again for that.
            ended = self._exits.pop(spec.container, None)
            return self._running.setdefault(spec.container, EndedProcess(ended)) if ended is not None else None
        # What runs beside it from now on (probes, hooks, exec) gets the environment that it would have today.
        self._specs[spec.container] = self._agent_spec(
            spec, (roots_of(self.folder, spec.container) or [self.folder])[-1]
        )
        running = self._running[spec.container] = NamespaceProcess(self._runtime.agent.process(live))
        return running

    async def start(self, spec: ProcessSpec, output: Path) -> NamespaceProcess:
        writable = await self._runtime.fresh_root(self.folder, spec) if spec.image is not None else self.folder
        agent_spec = self._agent_spec(spec, writable)
        try:
            if spec.tty:
                process = await self._runtime.agent.spawn(agent_spec)
                running = NamespaceProcess(process, terminal(process.terminal))
            else:
                running = await _start_on_pipes(self._runtime.agent, agent_spec, output, stdin=spec.stdin)
        except AgentError as error:
            raise StartError(str(error)) from None
        self._specs[spec.container] = agent_spec
        self._running[spec.container] = running
        return running

    async def run(self, spec: ProcessSpec, command: Sequence[str], limit: float) -> CommandResult:
        output = os.memfd_create("output", os.MFD_CLOEXEC)
        process: NamespaceProcess | None = None
        try:
            async with asyncio.timeout(limit):
                process = NamespaceProcess(await self.spawn_beside(spec.container, command, (None, output, output)))
                ended = await process.wait()
            return CommandResult(ended.code, os.pread(output, OUTPUT_LIMIT, 0).decode(errors="replace"))
        except AgentError as error:
            return CommandResult(127, str(error))
        finally:
            if process is not None and process.alive:
                process.signal(signal.SIGKILL)
            os.close(output)

    async def open(self, spec: ProcessSpec, command: Sequence[str], *, stdin: bool, tty: bool) -> CommandStreams:
        pipes = None if tty else Pipes(stdin=stdin)
        try:
            process = await self.spawn_beside(spec.container, command, pipes.theirs if pipes else (), tty=tty)
        except AgentError as error:
            if pipes is not None:
                pipes.close_ours()
            raise StartError(str(error)) from None
        finally:
            if pipes is not None:
                pipes.close_theirs()
        running = NamespaceProcess(process)
        descriptors = pipes.ours if pipes is not None else terminal(process.terminal)

        async def ended() -> int:
            code = (await running.wait()).code
            with suppress(AgentError):
                await self._runtime.agent.acknowledge([running.key])
            return code

        return CommandStreams(descriptors, ended(), lambda: running.signal(signal.SIGKILL))

    async def spawn_beside(
        self, container: str, command: Sequence[str], stdio: Sequence[int | None], *, tty: bool = False
    ) -> AgentProcess:
        """Starts a command in a running container's namespaces, as its user. Raises AgentError."""
        running, spec = self._running.get(container), self._specs.get(container)
        if running is None or spec is None or not running.alive:
            raise AgentError(f'container "{container}" does not run')
        env = {"TERM": TERMINAL_TYPE, **spec.env} if tty else spec.env
        beside = spec._replace(argv=tuple(command), env=env, name=f"{container}/command", join=running.pid, tty=tty)
        return await self._runtime.agent.spawn(beside, stdio)

    async def connect(
        self, protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        try:
            sock = await self._runtime.agent.socket_in(self._uid)
        except AgentError as error:
            raise OSError(str(error)) from None
        try:
            await loop.sock_connect(sock, (socket.gethostbyname(host) if host == "localhost" else host, port))
            transport, _ = await loop.create_connection(
                protocol, sock=sock, ssl=tls, server_hostname=host if tls is not None else None
            )
        except BaseException:
            sock.close()
            raise
        return transport

    async def reset_connections(self) -> None:
        await self._runtime.agent.reset_connections(self._uid)

    async def kill_remaining(self, container: str = "") -> None:
        """Nothing is left: the end of a container's first process is that of its PID namespace."""

    async def remove(self) -> None:
        if self._removed:
            return
        self._removed = True
        for process in self._running.values():
            process.signal(signal.SIGKILL)
        for process in self._running.values():
            await process.wait()
        with suppress(AgentError):
            await self._runtime.agent.acknowledge([process.key for process in self._running.values()])
        with suppress(AgentError):
            await self._runtime.agent.remove_pod_network(self._uid)
        if (self.folder / ROOTS).exists():
            await self._runtime.remove_trees([self.folder / ROOTS])
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self._runtime.addresses.release(self.ip)

    def _agent_spec(self, spec: ProcessSpec, writable: Path) -> AgentSpec:
        container = _container(self.pod, spec.container)
        if spec.image is not None:
            files = self._files.mounts(accounts=False)
            return image_spec(spec, self.pod, container, self._files.hostname, files, writable)
        return program_spec(spec, self.pod, container, self._files, self.folder, self._home)


def _container(pod: Pod, name: str) -> Container:
    containers: list[Container] = [*pod.spec.init_containers, *pod.spec.containers]
    containers += [msgspec.convert(entry, EphemeralContainer) for entry in pod.spec.ephemeral_containers]
    return next(container for container in containers if container.name == name)


def _unnoticed(pod: Pod, exits: Mapping[str, ProcessExit]) -> dict[str, ProcessExit]:
    """The exits of the containers that ran when the previous daemon wrote the pod's status for the last time."""
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    running = {f"mesh://{exit_.pid}": exit_ for exit_ in exits.values()}
    names = {s.name for s in statuses if "running" in s.state and s.container_id in running}
    return {name: exit_ for name, exit_ in exits.items() if name in names}


def _users(pod: Pod) -> list[tuple[int, int]]:
    """The users and groups as which a pod's containers run, where they are not the mesh's own."""
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    identities = (identity_of(pod, container) for container in containers)
    return [(identity.uid, identity.gid or 0) for identity in identities if identity.uid is not None]


async def _start_on_pipes(agent: Agent, spec: AgentSpec, output: Path, *, stdin: bool) -> NamespaceProcess:
    """Raises AgentError and StartError."""
    with ExitStack() as theirs, ExitStack() as ours:
        try:
            descriptor = os.open(output, os.O_RDWR | os.O_CLOEXEC)
            theirs.callback(os.close, descriptor)
            if spec.image is not None:
                # As whom it runs is only known inside; nobody else can reach the file.
                os.fchmod(descriptor, 0o666)
            if spec.uid is not None and os.getuid() == 0:
                # /dev/stdout is opened anew by programs that run as somebody else.
                os.chown(output, spec.uid or MESH_UID, -1)
        except OSError as error:
            raise StartError(f"cannot open its output {output}: {error.strerror}") from None
        given, typed = os.pipe2(os.O_CLOEXEC) if stdin else (None, None)
        if given is not None and typed is not None:
            theirs.callback(os.close, given)
            ours.callback(os.close, typed)
        process = await agent.spawn(spec, (given, descriptor, descriptor))
        ours.pop_all()
        return NamespaceProcess(process, Descriptors(typed, None, None))


def leftover_outputs(home: Path) -> None:
    """Removes FIFOs that no container of the new daemon reads."""
    shutil.rmtree(output_folder(home), ignore_errors=True)
