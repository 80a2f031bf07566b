"""Pods as child processes in the host's namespaces, each with a loopback address of its own.

Works on every Linux machine without any privilege. What it cannot do (mounts, a network of the pod's own) is in
`mesh.pods.runtime.limitations`.
"""

import asyncio
import errno
import ipaddress
import os
import pty
import re
import shutil
import signal
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mesh.pods.host.addresses import Block, NoAddressFree
from mesh.pods.host.census import Census
from mesh.pods.host.leftovers import Records
from mesh.pods.host.pod_processes import CONTAINER_MARK, HOME_MARK, POD_MARK
from mesh.pods.host.process import Process
from mesh.pods.images.choice import Way
from mesh.pods.images.support import NO_IMAGES, ImageSupport
from mesh.pods.runtime.interface import TERMINAL_TYPE, CommandResult, Limitation, ProcessSpec, SandboxError, StartError
from mesh.pods.runtime.limitations import of_loopback
from mesh.pods.streams.command_streams import CommandStreams, Descriptors, Pipes, terminal
from mesh.procfs import descendants
from mesh.resources.core.pod import Container, Pod
from mesh.resources.values.ports import SIDECAR_PORT
from mesh.socket_owners import Owner, owner_of_listener

OUTPUT_LIMIT = 10 * 1024
HOST_IP = "127.0.0.1"
# As Node, Python, Ruby, Go, Java, nginx, Redis and others say it.
ADDRESS_IN_USE = re.compile(r"EADDRINUSE|address (is )?already in use|port \d+ (is|was) already in use", re.IGNORECASE)


class LoopbackRuntime:
    """`mesh.pods.runtime.interface.Runtime` on a block of loopback addresses."""

    def __init__(self, home: Path, block: Block) -> None:
        self._home = home
        self._block = block
        self._census = Census(home)
        self._records = Records(home)

    async def create(self, pod: Pod) -> "LoopbackSandbox":
        """Reserves an address and makes the pod's folder."""
        uid = pod.metadata.uid or ""
        try:
            ip = self._block.pod_ip()
        except NoAddressFree as error:
            raise SandboxError(str(error)) from None
        folder = self._home / "pods" / uid
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            self._block.release(ip)
            raise SandboxError(f"cannot make the pod's folder {folder}: {error.strerror}") from None
        hostname = pod.spec.hostname or pod.metadata.name
        return LoopbackSandbox(pod, hostname, ip, self._home, self._block, self._census, self._records)

    async def recover(self, pods: Collection[str]) -> frozenset[str]:
        """None: they were children of the daemon, and nobody could say how they end."""
        return frozenset()

    def adopt(self, pod: Pod) -> "LoopbackSandbox | None":
        return None

    @property
    def image_support(self) -> ImageSupport:
        return ImageSupport(NO_IMAGES)

    def limitations(self, pod: Pod, from_image: Collection[str]) -> list[Limitation]:
        return of_loopback(pod)


class LoopbackSandbox:
    """`mesh.pods.runtime.interface.Sandbox`: an address, a folder, and the processes that carry the pod's mark."""

    def __init__(
        self, pod: Pod, hostname: str, ip: str, home: Path, block: Block, census: Census, records: Records
    ) -> None:
        self.pod = pod
        self.ip = ip
        self._uid = pod.metadata.uid or ""
        self.folder = home / "pods" / self._uid
        self._hostname = hostname
        self._home = home
        self._block = block
        self._census = census
        self._records = records
        self._removed = False
        self._started: list[int] = []

    @property
    def is_captured(self) -> bool:
        return False

    @property
    def loopback(self) -> str:
        """Not 127.0.0.1, which all pods and the host share."""
        return self.ip

    @property
    def host_ip(self) -> str:
        return HOST_IP

    def hint(self, last_lines: str) -> str:
        """All pods and the host share one network: 0.0.0.0:8080 is taken as soon as anybody listens on port 8080."""
        if ADDRESS_IN_USE.search(last_lines) is None:
            return ""
        return (
            f"without network namespaces all pods share the host's ports: listen on $HOST ({self.ip}) instead of "
            "0.0.0.0, or give each pod a network of its own: meshmall down; meshmall up --network namespaces"
        )

    def variables(self, container: Container, volumes: Mapping[str, Path], *, from_image: bool) -> Mapping[str, str]:
        """Where to listen and how to call others: every program shares the host's network here."""
        proxy, direct = f"http://{self.ip}:{SIDECAR_PORT}", f"localhost,127.0.0.1,{self.ip}"
        variables = {
            "HOSTNAME": self._hostname,
            "HOST": self.ip,
            "POD_IP": self.ip,
            "HTTP_PROXY": proxy,
            "http_proxy": proxy,
            "NO_PROXY": direct,
            "no_proxy": direct,
        }
        if container.ports:
            variables["PORT"] = str(container.ports[0].container_port)
        for name, folder in volumes.items():
            variables[f"MESHMALL_VOLUME_{name.upper().replace('-', '_')}"] = str(folder)
        return variables

    def marks(self, container: Container) -> Mapping[str, str]:
        return {POD_MARK: self._uid, CONTAINER_MARK: container.name, HOME_MARK: str(self._home)}

    def owner(self, container: Container, *, from_image: bool) -> tuple[int, int] | None:
        return None

    def survivor(self, container: str) -> Way | None:
        return None

    def running(self, spec: ProcessSpec) -> Process | None:
        return None

    async def start(self, spec: ProcessSpec, output: Path) -> Process:
        if spec.tty:
            return self._start_on_terminal(spec)
        try:
            descriptor = os.open(output, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise StartError(f"cannot open its output {output}: {error.strerror}") from None
        try:
            if not spec.stdin:
                return self._start(spec, (None, descriptor, descriptor))
            theirs, ours = os.pipe2(os.O_CLOEXEC)
            try:
                process = self._start(spec, (theirs, descriptor, descriptor))
            except StartError:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
            process.descriptors = Descriptors(ours, None, None)
            return process
        finally:
            os.close(descriptor)

    def _start_on_terminal(self, spec: ProcessSpec) -> Process:
        master, slave = pty.openpty()
        try:
            process = self._start(spec, (slave, slave, slave), controlling_terminal=True)
        except StartError:
            os.close(master)
            raise
        finally:
            os.close(slave)
        process.descriptors = terminal(master)
        return process

    def _start(
        self, spec: ProcessSpec, stdio: tuple[int | None, int, int], *, controlling_terminal: bool = False
    ) -> Process:
        process = Process.start(
            spec.argv,
            spec.environment,
            spec.folder,
            self._records,
            stdio=stdio,
            controlling_terminal=controlling_terminal,
        )
        self._started.append(process.pid)
        return process

    async def run(self, spec: ProcessSpec, command: Sequence[str], limit: float) -> CommandResult:
        output = os.memfd_create("output", os.MFD_CLOEXEC)
        try:
            process = Process.start(command, spec.environment, spec.folder, self._records, stdio=(None, output, output))
            try:
                async with asyncio.timeout(limit):
                    ended = await process.wait()
            finally:
                process.signal(signal.SIGKILL)
            return CommandResult(ended.code, os.pread(output, OUTPUT_LIMIT, 0).decode(errors="replace"))
        except StartError as error:
            return CommandResult(127, str(error))
        finally:
            os.close(output)

    async def open(self, spec: ProcessSpec, command: Sequence[str], *, stdin: bool, tty: bool) -> CommandStreams:
        if tty:
            master, slave = pty.openpty()
            descriptors, theirs = terminal(master), (slave, slave, slave)
        else:
            pipes = Pipes(stdin=stdin)
            descriptors, theirs = pipes.ours, pipes.theirs
        try:
            process = Process.start(
                command,
                {"TERM": TERMINAL_TYPE, **spec.environment} if tty else spec.environment,
                spec.folder,
                self._records,
                stdio=theirs,
                controlling_terminal=tty,
            )
        except StartError:
            for fd in descriptors.all():
                os.close(fd)
            raise
        finally:
            for fd in set(theirs):
                os.close(fd)

        async def ended() -> int:
            return (await process.wait()).code

        return CommandStreams(descriptors, ended(), lambda: process.signal(signal.SIGKILL))

    async def connect(
        self, protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> asyncio.Transport:
        await self._require_own_listener(host, port)
        transport, _ = await asyncio.get_running_loop().create_connection(protocol, host, port, ssl=tls)
        return transport

    async def _require_own_listener(self, host: str, port: int) -> None:
        """Raises PermissionError when somebody else's program listens at a loopback address.

        All users of a machine share these addresses. Whoever listens on a pod's port while the pod does not, at 0.0.0.0
        for example, would otherwise answer its probes, and get its requests. A pod's program may have changed its user,
        as databases do that root starts: then the socket has to be one of the pod's own processes.
        """
        owner = _other_owner(host, port)
        if owner is not None and not await asyncio.to_thread(_have_socket, tuple(self._started), owner.inode):
            raise PermissionError(
                errno.EACCES, f"a program of another user (uid {owner.uid}) listens there, not the pod's", host
            )

    async def reset_connections(self) -> None:
        """Nothing: on the host's network only root could."""

    async def kill_remaining(self, container: str = "") -> None:
        await self._census.kill(self._uid, container or None)

    async def remove(self) -> None:
        if self._removed:
            return
        self._removed = True
        await self.kill_remaining()
        # The address is freed last: a process that survived until here would answer for the address's next pod.
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self._block.release(self.ip)


def _other_owner(host: str, port: int) -> Owner | None:
    """The user who listens at a loopback address, if it is not this one; None also where nobody can say."""
    try:
        if not ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:
        return None
    owner = owner_of_listener((host, port))
    return owner if owner is not None and owner.uid != os.geteuid() else None


def _have_socket(pids: Iterable[int], inode: int) -> bool:
    """Whether one of the processes, or one that they started, has the socket. Only root can look into other users'.

    By descent and not by the pod's mark in the environment, which PostgreSQL overwrites with its title.
    """
    for pid in pids:
        for process in (pid, *(child.pid for child in descendants(pid))):
            with suppress(OSError):
                for descriptor in Path(f"/proc/{process}/fd").iterdir():
                    with suppress(OSError):
                        if str(descriptor.readlink()) == f"socket:[{inode}]":
                            return True
    return False
