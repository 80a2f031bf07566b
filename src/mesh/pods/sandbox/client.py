"""The daemon's side of the sandbox agent.

    agent = await connect(home)                      # starts the agent unless one runs
    state = await agent.list()                       # what outlived the previous daemon
    pod = await agent.create_pod_network(uid, "orders-1", "10.244.1.7")
    await agent.set_names({"orders.shop.svc.cluster.local": Name(("10.96.0.7",))})
    process = await agent.spawn(ProcessSpec(argv, env, pod=uid, hostname="orders-1"), (None, fifo, fifo))
    ended = await process.wait()                     # ProcessExit(code, signal, ...)
    await agent.acknowledge([ended.key])             # until then every daemon that connects is sent it
    with await agent.socket_in(uid) as sock: ...     # a socket of the pod's network, for probes and port-forward

Everything raises AgentError when the agent refuses (its text says why, and names the object) and AgentGone when the
agent has died; `lost` then completes. The agent and the pods live on when the connection is closed; `stop` ends both.
"""

import asyncio
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from mesh.pods.network.names import Name, changes
from mesh.pods.sandbox.capabilities import ENVOY
from mesh.pods.sandbox.protocol import SOCKET, Channel, Closed, Received
from mesh.pods.sandbox.spec import LiveProcess, PodNetwork, ProcessExit, ProcessSpec, spec_to_json

START_LIMIT = 15.0


class AgentError(Exception):
    """The agent could not do what was asked."""


class AgentGone(AgentError):
    """There is no agent any more, or none could be started."""


def envoy(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> ProcessSpec:
    """Envoy in the mesh's own namespaces, with the capabilities that let it listen inside pods' networks."""
    return ProcessSpec(tuple(argv), dict(env), str(cwd), name="envoy", capabilities=ENVOY)


class State(NamedTuple):
    """What the agent has: pods' networks, processes that run, and exits that nobody has acknowledged.

    `is_flat`: containers of images have one id only.
    """

    pods: list[PodNetwork]
    processes: list[LiveProcess]
    exits: list[ProcessExit]
    is_flat: bool = False


class Process:
    """A process that the agent started, now or for an earlier daemon."""

    def __init__(
        self, agent: "Agent", live: LiveProcess, exit_: asyncio.Future[ProcessExit], terminal: int | None
    ) -> None:
        self.key = live.key
        self.pid = live.pid
        self.pod = live.pod
        self.name = live.name
        self.terminal = (
            terminal  # the master side, which the caller closes; its ioctl TIOCSWINSZ sets the window's size
        )
        self._agent = agent
        self._exit = exit_

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> ProcessExit:
        """Waits for the end. Raises AgentGone when the agent dies first: its successor may know the process."""
        return await asyncio.shield(self._exit)

    async def signal(self, number: signal.Signals, *, group: bool = False) -> bool:
        """Sends a signal to the process, or to its process group; False when it has ended.

        SIGKILL to a container's first process ends all processes of the container.
        """
        return await self._agent.signal(self.key, number, group=group)


class Agent:
    """A connection to the agent. Made by `connect`."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.pid: int = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self._channel = Channel(sock)
        self._requests = 0
        self._replies: dict[int, asyncio.Future[Received]] = {}
        self._exits: dict[str, asyncio.Future[ProcessExit]] = {}
        self._names: dict[str, Name] | None = None
        self._names_lock = asyncio.Lock()
        self.lost: asyncio.Future[None] = loop.create_future()
        loop.add_reader(sock, self._readable)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; agent and pods live on."""
        self._disconnected("the connection was closed")

    async def list(self) -> State:
        """What the agent has. See `process` for waiting on one of the processes."""
        body = (await self._call("list")).body["value"]
        return State(
            [PodNetwork(**pod) for pod in body["pods"]],
            [LiveProcess(**process) for process in body["processes"]],
            [ProcessExit(**ended) for ended in body["exits"]],
            bool(body.get("flat")),
        )

    def process(self, live: LiveProcess) -> Process:
        """A process from `list`, to be waited for and signalled."""
        return Process(self, live, self._exit(live.key), None)

    async def create_pod_network(self, uid: str, name: str, address: str) -> PodNetwork:
        """Makes the pod's namespace, link, address, rules and resolver; wires it anew when it exists."""
        reply = await self._call("create_pod_network", uid=uid, name=name, address=address)
        return PodNetwork(**reply.body["value"])

    async def remove_pod_network(self, uid: str) -> None:
        """Removes it; does nothing when there is none. Its processes have to be ended before."""
        await self._call("remove_pod_network", uid=uid)

    async def reset_connections(self, uid: str) -> None:
        """Resets the connections that Envoy has to the pod. Does nothing where the kernel cannot."""
        with suppress(AgentError):
            await self._call("reset_connections", uid=uid)

    async def set_names(self, table: Mapping[str, Name]) -> None:
        """Replaces the table from which pods' lookups are answered. Only what has changed since is sent.

        Until a new agent has got one, lookups in the cluster's domain fail (SERVFAIL), which clients try again.
        """
        async with self._names_lock:
            first = self._names is None
            changed = changes(self._names or {}, table)
            if first or changed:
                await self._call("set_names", reset=first, changes=changed)
                self._names = dict(table)

    async def spawn(self, spec: ProcessSpec, stdio: Sequence[int | None] = ()) -> Process:
        """Starts a process and returns once its program runs.

        `stdio` are descriptors for stdin, stdout and stderr, which the caller keeps and may close afterwards; None
        and missing ones are /dev/null. Raises AgentError with what failed, for example the program that is missing.
        """
        null = os.open(os.devnull, os.O_RDWR) if None in stdio else -1
        try:
            fds = [null if fd is None else fd for fd in stdio]
            reply = await self._call("spawn", fds, spec=spec_to_json(spec))
        finally:
            if null >= 0:
                os.close(null)
        live = LiveProcess(**reply.body["value"])
        return Process(self, live, self._exit(live.key), reply.fds[0] if reply.fds else None)

    async def signal(self, key: str, number: signal.Signals, *, group: bool = False) -> bool:
        """As Process.signal."""
        reply = await self._call("signal", key=key, signal=int(number), group=group)
        return bool(reply.body["value"]["sent"])

    async def acknowledge(self, keys: Sequence[str]) -> None:
        """Lets the agent forget exits."""
        await self._call("acknowledge", keys=[*keys])
        for key in keys:
            self._exits.pop(key, None)

    async def socket_in(self, pod: str, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A new socket of the pod's network ("" for the mesh's own), not connected, non-blocking."""
        reply = await self._call("socket", pod=pod, family=int(family), type=int(kind))
        sock = socket.socket(fileno=reply.fds[0])
        sock.setblocking(False)
        return sock

    async def stop(self) -> None:
        """Ends all processes, removes all networks, ends the agent. Returns when none of them is left."""
        handle = os.pidfd_open(self.pid)
        ended = asyncio.Event()
        self._loop.add_reader(handle, ended.set)
        try:
            await self._call("stop")
            await ended.wait()
        finally:
            self._loop.remove_reader(handle)
            os.close(handle)
        self.close()

    async def _call(self, call: str, fds: Sequence[int] = (), **fields: Any) -> Received:
        if self.lost.done():
            raise AgentGone("the sandbox agent is gone")
        self._requests += 1
        reply: asyncio.Future[Received] = self._loop.create_future()
        self._replies[self._requests] = reply
        try:
            self._channel.send({"id": self._requests, "call": call, **fields}, fds)
        except Closed as closed:
            self._disconnected(str(closed))
        else:
            if self._channel.pending:
                self._loop.add_writer(self._channel.socket, self._writable)
        received = await reply
        if "error" in received.body:
            raise AgentError(received.body["error"])
        return received

    def _exit(self, key: str) -> asyncio.Future[ProcessExit]:
        if key not in self._exits:
            self._exits[key] = self._loop.create_future()
        return self._exits[key]

    def _writable(self) -> None:
        try:
            self._channel.flush()
        except Closed as closed:
            self._disconnected(str(closed))
            return
        if not self._channel.pending:
            self._loop.remove_writer(self._channel.socket)

    def _readable(self) -> None:
        try:
            messages = self._channel.receive()
        except Closed as closed:
            self._disconnected(str(closed))
            return
        for received in messages:
            body = received.body
            if body.get("event") == "exit":
                del body["event"]
                ended = ProcessExit(**body)
                if not (future := self._exit(ended.key)).done():
                    future.set_result(ended)
            else:
                reply = self._replies.pop(body["id"], None)
                if reply is not None and not reply.cancelled():
                    reply.set_result(received)
                else:
                    for fd in received.fds:
                        os.close(fd)

    def _disconnected(self, reason: str) -> None:
        if self.lost.done():
            return
        self._loop.remove_reader(self._channel.socket)
        self._loop.remove_writer(self._channel.socket)
        self._channel.close()
        self.lost.set_result(None)
        gone = AgentGone(f"the sandbox agent is gone: {reason}")
        pending: list[asyncio.Future[Any]] = [*self._replies.values(), *self._exits.values()]
        for future in pending:
            if not future.done():
                future.set_exception(gone)
                future.exception()  # nobody may be waiting for it, which is no mistake
        self._replies.clear()


async def connect(home: Path) -> Agent:
    """Connects to the agent of `home`; starts it when none runs. Raises AgentGone with the reason."""
    sock = _connected(home)
    if sock is None:
        await _start(home)
        sock = _connected(home)
    if sock is None:
        raise AgentGone(f"the sandbox agent of {home} does not listen on run/{SOCKET}")
    return Agent(sock, asyncio.get_running_loop())


async def stop_running(home: Path) -> bool:
    """Ends the agent of `home` with all that it runs, when there is one; whether there was."""
    sock = _connected(home)
    if sock is None:
        return False
    agent = Agent(sock, asyncio.get_running_loop())
    try:
        await agent.stop()
    except AgentGone:
        return False
    finally:
        agent.close()
    return True


def _connected(home: Path) -> socket.socket | None:
    sock = socket.socket(socket.AF_UNIX)
    folder = -1
    try:
        # Through the folder's descriptor: a socket's own path may have 108 bytes only.
        folder = os.open(home / "run", os.O_PATH | os.O_DIRECTORY)
        sock.connect(f"/proc/self/fd/{folder}/{SOCKET}")
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    finally:
        if folder >= 0:
            os.close(folder)
    return sock


async def _start(home: Path) -> None:
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "agent.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mesh.pods.sandbox.agent", str(home)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_LIMIT):
            line = await process.stdout.readline()
    except TimeoutError:
        process.kill()
        raise AgentGone(f"the sandbox agent did not start within {START_LIMIT:g} s; see {logs / 'agent.log'}") from None
    await process.wait()  # the agent itself is a child of that process, and no child of this one
    answer = json.loads(line) if line.strip() else {"error": f"it ended at once; see {logs / 'agent.log'}"}
    if "error" in answer:
        raise AgentGone(f"the sandbox agent did not start: {answer['error']}")
