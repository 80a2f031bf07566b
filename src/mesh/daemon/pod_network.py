"""How pods are connected on this machine: in network namespaces where they are allowed, else on loopback addresses."""

import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from mesh.daemon.failure import Failure
from mesh.envoy.edge import Edge
from mesh.envoy.process.launcher import EnvoyChild, Launcher, as_child, environment
from mesh.envoy.process.records import reap as reap_envoys
from mesh.pods.host.addresses import Block
from mesh.pods.network.addresses import HOST_ADDRESS, MESH_ADDRESS, MESH_NETWORK, MESH_PREFIX
from mesh.pods.network.pools import API_ADDRESS, AddressPool, NamespaceAddresses
from mesh.pods.runtime.interface import Runtime
from mesh.pods.runtime.loopback import LoopbackRuntime
from mesh.pods.runtime.namespaces import NamespaceRuntime
from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from mesh.pods.sandbox.client import Agent, AgentError, Process, connect, envoy
from mesh.reconcile.supervisor import Supervisor
from mesh.routing.network import LoopbackNetwork, NamespaceNetwork, Network

AUTO, NAMESPACES, LOOPBACK = "auto", "namespaces", "loopback"
MODES = (AUTO, NAMESPACES, LOOPBACK)
API_PORT = 443
CHOOSE_NAMESPACES = "meshmall down; meshmall up --network namespaces"
# What a mesh without namespaces lacks, in one line.
LOOPBACK_LACKS = (
    "programs must listen at $HOST and call others through $HTTP_PROXY, volumes are not mounted, and names of "
    "Services resolve only at the proxy"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PodNetwork:
    """What the rest of the daemon needs of the mode in force.

    `reason` and `remedy` say why namespaces are not in force and what enables them, when they were not refused by
    choice. `agent` is there in namespaces mode only. `place` as in `DataPlaneSettings`.
    """

    mode: str
    network: Network
    addresses: AddressPool
    runtime: Runtime
    launch: Launcher
    developer_subnet: str = ""
    gateway_subnet: str = ""
    reason: str = ""
    remedy: str = ""
    agent: Agent | None = None
    edge: Edge | None = None
    place: str = ""

    def describe(self) -> dict[str, str]:
        """For `meshmall status`: the mode, why it is in force, how the better one is enabled, what is missing."""
        lacks = LOOPBACK_LACKS if self.mode == LOOPBACK else ""
        return {"mode": self.mode, "reason": self.reason, "remedy": self.remedy, "lacks": lacks}

    async def socket_to(self, address: str) -> socket.socket:
        """A TCP socket, not connected, of the network that has the address: pods may be in one that the daemon's
        sockets do not reach. Raises OSError."""
        if self.agent is None or not isinstance(self.network, NamespaceNetwork):
            return socket.socket()
        if not address.startswith(self.network.pod_prefix):
            return socket.socket()
        try:
            return await self.agent.socket_in("")
        except AgentError as error:
            raise OSError(str(error)) from None


async def choose(
    mode: str,
    home: Path,
    api: tuple[str, int],
    stack: AsyncExitStack,
    supervisor: Supervisor | None = None,
    place: str = "",
) -> PodNetwork:
    """Puts the mode into force that is asked for; "auto" takes namespaces where the machine allows them.

    `api` is where the mesh's API listens on the host, `place` where clients reach the mesh. What has to be ended with
    the daemon is registered with `stack`.
    Raises Failure when namespaces are asked for and not possible.
    """
    if mode == LOOPBACK:
        return _on_loopback(home, stack, "chosen with --network loopback", CHOOSE_NAMESPACES)
    possible = can_use_namespaces()
    if isinstance(possible, Unavailable):
        if mode == NAMESPACES:
            raise Failure(f"pods cannot have network namespaces here: {possible.reason}", possible.remedy)
        return _on_loopback(home, stack, possible.reason, possible.remedy)
    try:
        agent = await connect(home)
    except AgentError as error:
        if mode == NAMESPACES:
            raise Failure(f"pods cannot have network namespaces here: {error}", "use --network loopback") from None
        return _on_loopback(home, stack, str(error), "")
    stack.push_async_callback(_stop, agent)
    addresses = NamespaceAddresses()
    network = NamespaceNetwork(
        pods=f"{MESH_NETWORK}/{MESH_PREFIX}",
        host=HOST_ADDRESS,
        api=f"{API_ADDRESS}:{API_PORT}",
        node_addresses=(MESH_ADDRESS,),
    )
    # Programs that are no pods, such as `branch dev`'s, run on the host: their listeners are on its loopback.
    block = Block.claim(home)
    stack.callback(block.release_all)
    return PodNetwork(
        NAMESPACES,
        network,
        addresses,
        NamespaceRuntime(home, agent, addresses),
        _launcher(agent),
        developer_subnet=block.developer_subnet,
        gateway_subnet=block.gateway_subnet,
        agent=agent,
        edge=Edge(home, network, api, supervisor, place),
        place=place,
    )


def _on_loopback(home: Path, stack: AsyncExitStack, reason: str, remedy: str) -> PodNetwork:
    # Pods on loopback addresses end with their daemon: there is nothing that an Envoy could go on serving.
    reap_envoys(home)
    block = Block.claim(home)
    stack.callback(block.release_all)
    runtime = LoopbackRuntime(home, block)
    return PodNetwork(
        LOOPBACK,
        LoopbackNetwork(),
        block,
        runtime,
        as_child,
        developer_subnet=block.developer_subnet,
        gateway_subnet=block.gateway_subnet,
        reason=reason,
        remedy=remedy,
    )


async def _stop(agent: Agent) -> None:
    """Ends the agent with everything that still runs: nothing in namespaces outlives `down`."""
    with suppress(AgentError):
        await agent.stop()
    agent.close()


class _AgentChild:
    """An Envoy that the agent started, as its supervisor sees a child of its own."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid
        self.returncode: int | None = None

    async def wait(self) -> int:
        if self.returncode is None:
            try:
                self.returncode = (await self._process.wait()).code
            except AgentError:
                self.returncode = -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _launcher(agent: Agent) -> Launcher:
    async def launch(argv: Sequence[str], folder: Path, output: int) -> EnvoyChild:
        try:
            process = await agent.spawn(envoy(argv, environment(), folder), (None, output, output))
        except AgentError as error:
            raise OSError(str(error)) from None
        return _AgentChild(process)

    return launch
