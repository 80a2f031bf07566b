"""The sandbox agent: one small process per mesh that owns the mesh's namespaces. Run as `python -m ... HOME`.

It outlives the daemon, which connects to `HOME/run/agent.sock`. It has one thread on purpose: it enters pods' network
namespaces itself and forks without locks. It imports little on purpose: every container begins as a copy of it.
On its standard output it writes one line of JSON, `{}` when it listens or `{"error": ...}`, and closes it.
"""

import errno
import fcntl
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mesh.images.unpack.owners import FLAT, owners_here
from mesh.pods.network import names
from mesh.pods.network import namespaces as networks
from mesh.pods.network.addresses import MESH_ADDRESS
from mesh.pods.network.connections import reset_connections
from mesh.pods.network.resolver import HostNameServers, Resolver, outside_sockets
from mesh.pods.sandbox.adoption import adopt_survivors
from mesh.pods.sandbox.child import Surroundings
from mesh.pods.sandbox.loop import Connections, Loop
from mesh.pods.sandbox.pod_networks import PodNetworks
from mesh.pods.sandbox.processes import Launch, Processes, to_json
from mesh.pods.sandbox.protocol import SOCKET, Channel, Received
from mesh.pods.sandbox.spec import LiveProcess, ProcessExit, spec_from_json
from mesh.syscalls import PR_SET_CHILD_SUBREAPER, prctl, set_name

LOCK = "agent.lock"
STATE = "sandbox"


class Agent:
    """The calls that arrive, and what they need. Made before the mesh's namespaces are entered."""

    def __init__(self, run: Path, most_files: int) -> None:
        self._loop = Loop()
        self._connections = Connections(self._loop, self._handle)
        self._stopping = False
        self._most_files = most_files
        state = run / STATE
        self.staging = state / "root"
        self.staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.processes = Processes(state / "processes")
        self._resolver = Resolver(self._loop, outside_sockets(), HostNameServers())
        self.pods = PodNetworks(run / "netns", state / "pods", self._resolver)
        self.in_user_namespace = False
        self.owners = FLAT
        self._calls: dict[str, Callable[[Channel, dict[str, Any], list[int]], Any]] = {
            "list": self._list,
            "create_pod_network": self._create_pod_network,
            "remove_pod_network": self._remove_pod_network,
            "reset_connections": self._reset_connections,
            "set_names": self._set_names,
            "spawn": self._spawn,
            "signal": self._signal,
            "acknowledge": self._acknowledge,
            "socket": self._socket,
            "stop": self._stop,
        }

    def serve(self, listener: socket.socket) -> None:
        """Answers until `stop` is called and everything has ended."""
        wakeup, signals = socket.socketpair()
        for end in (wakeup, signals):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(signals.fileno(), warn_on_full_buffer=False)
        self._loop.watch(wakeup, lambda _: self._signalled(wakeup))
        self._connections.listen(listener)
        while not self._stopping or self.processes.live or self._connections.pending:
            self._loop.turn(self._resolver.timeout())
            self._resolver.expire()

    def adopt(self, process: LiveProcess) -> None:
        """Watches a process of the previous agent."""
        handle = self.processes.adopt(process)

        def ended(_events: int) -> None:
            self._loop.unwatch(handle)
            self._tell_exits([self.processes.adopted_ended(process, handle)])

        self._loop.watch(handle, ended)

    def _signalled(self, wakeup: socket.socket) -> None:
        with suppress(BlockingIOError):
            wakeup.recv(4096)
        self._tell_exits(self.processes.reap())

    def _tell_exits(self, exits: list[ProcessExit]) -> None:
        for ended in exits:
            self._connections.tell_all({"event": "exit", **ended._asdict()})

    def _handle(self, channel: Channel, received: Received) -> None:
        """Answers one request. The descriptors that came with it are closed here: children have copies."""
        body = received.body
        try:
            value = self._calls[body["call"]](channel, body, received.fds)
        except Exception as error:  # reported to whoever asked
            if not isinstance(error, OSError):
                traceback.print_exc()
            self._connections.reply(channel, {"id": body.get("id"), "error": error_text(error)})
        else:
            if value is not None:
                value, *fds = value if isinstance(value, tuple) else (value,)
                self._connections.reply(channel, {"id": body["id"], "value": value}, tuple(fds))
                for fd in fds:
                    os.close(fd)
        finally:
            for fd in received.fds:
                os.close(fd)

    def _list(self, _channel: Channel, _body: dict[str, Any], _fds: list[int]) -> Any:
        pods = [pod._asdict() for pod in self.pods.pods.values()]
        return {"pods": pods, "flat": self.owners.is_flat, **to_json(self.processes)}

    def _create_pod_network(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        return self.pods.create(body["uid"], body["name"], body["address"])._asdict()

    def _remove_pod_network(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        self.pods.remove(body["uid"])
        return {}

    def _reset_connections(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        with networks.inside(self.pods.descriptor(body["uid"])):
            reset_connections(MESH_ADDRESS)
        return {}

    def _set_names(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        if body["reset"] or self._resolver.table is None:
            self._resolver.table = {}
        names.apply(self._resolver.table, body["changes"])
        return {}

    def _spawn(self, channel: Channel, body: dict[str, Any], fds: list[int]) -> None:
        spec = spec_from_json(body["spec"])
        network = self.pods.descriptor(spec.pod) if spec.pod else None
        launch = self.processes.launch(
            spec,
            tuple(fds),
            Surroundings(
                network, str(self.staging), str(self.pods.folder), self.in_user_namespace, self.owners, self._most_files
            ),
        )

        def advanced(_events: int) -> None:
            if launch.advance():
                self._loop.unwatch(launch.status)
                launch.status.close()
                self._launched(channel, body["id"], launch)

        self._loop.watch(launch.status, advanced)

    def _launched(self, channel: Channel, request: int, launch: Launch) -> None:
        try:
            process = self.processes.launched(launch)
        except OSError as error:
            self._connections.reply(channel, {"id": request, "error": error_text(error)})
        else:
            terminal = () if launch.terminal is None else (launch.terminal,)
            self._connections.reply(channel, {"id": request, "value": process._asdict()}, terminal)
            for fd in terminal:
                os.close(fd)
        # After the reply, so that nobody hears of an exit before hearing of the process.
        self._tell_exits(self.processes.reap())

    def _signal(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        return {"sent": self.processes.signal(body["key"], body["signal"], group=body["group"])}

    def _acknowledge(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        self.processes.acknowledge(body["keys"])
        return {}

    def _socket(self, _channel: Channel, body: dict[str, Any], _fds: list[int]) -> Any:
        if not body["pod"]:
            return {}, socket.socket(body["family"], body["type"]).detach()
        with networks.inside(self.pods.descriptor(body["pod"])):
            return {}, socket.socket(body["family"], body["type"]).detach()

    def _stop(self, _channel: Channel, _body: dict[str, Any], _fds: list[int]) -> Any:
        """Ends every process; the agent ends with the last of them, and the networks with the agent."""
        for key in list(self.processes.live):
            self.processes.signal(key, signal.SIGKILL, group=True)
            self.processes.signal(key, signal.SIGKILL, group=False)
        self.pods.abandon()
        self._tell_exits(self.processes.reap())
        self._stopping = True
        return {}


def error_text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or repr(error)


def main(home: Path) -> None:
    """Runs the agent of `home` until it is stopped."""
    run = home / "run"
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(run / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OSError(error.errno, f"another agent runs in {home}") from None
    set_name("mesh-agent")
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    # Three descriptors per pod. Children get the limit back: programs that use select(2) need the usual one.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    agent = Agent(run, soft)
    agent.in_user_namespace = adopt_survivors(agent.processes, agent.pods)
    agent.owners = owners_here()
    for process in agent.processes.written_down():
        with suppress(ProcessLookupError):  # it has ended just now
            agent.adopt(process)
    os.chdir(run)  # a socket's path may have 108 bytes; not before: entering a mount namespace leads to its root
    Path(SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        umask = os.umask(0o177)
        listener.bind(SOCKET)
        os.umask(umask)
        listener.listen(16)
        _announce({})
        try:
            agent.serve(listener)
        finally:
            Path(SOCKET).unlink(missing_ok=True)


def _announce(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.close(null)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    if os.fork():  # whoever starts the agent need not wait for it, and it outlives them
        os._exit(0)
    # uvloop starts programs with copies of their standard streams, and pods would inherit these.
    os.closerange(3, 1 << 20)
    try:
        main(Path(sys.argv[1]).absolute())
    except OSError as failure:
        code = errno.errorcode.get(failure.errno or 0, "")
        _announce({"error": error_text(failure), "code": code})
        traceback.print_exc()
        sys.exit(1)
