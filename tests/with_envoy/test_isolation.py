"""Nobody meets a workload that is not theirs: drawn sets of branches and call graphs, through a real Envoy."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pytest

from mesh.envoy.data_plane import DataPlane
from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.world import MeshSettings
from tests.support import isolation
from tests.support.data_plane import Place
from tests.support.http import Answer, ask
from tests.support.isolation import SERVICES, WORKLOADS, Client, Request, System
from tests.support.server import Server


class ProxyPrograms(isolation.Programs):
    """Programs at loopback addresses of their own, which call each other through Envoy as their HTTP proxy."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.addresses = {workload: place.address() for workload in WORKLOADS}

    async def start(self, stack: AsyncExitStack) -> None:
        for workload, address in self.addresses.items():

            async def serve(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, workload: str = workload
            ) -> None:
                await self.serve(workload, reader, writer)

            server = await Server.start(serve, address, 7000)
            stack.push_async_callback(server.stop)

    async def ask(self, workload: str, callee: str, client: Client, headers: Mapping[str, str]) -> Answer:
        assert client is Client.PROXY
        host = {"host": f"{callee}:7000", **headers}
        return await ask(self.addresses[workload], 15001, f"http://{callee}:7000/", **host)

    async def ask_bytes(self, workload: str, callee: str) -> bytes:
        raise NotImplementedError


@pytest.fixture
async def programs(place: Place) -> AsyncIterator[ProxyPrograms]:
    async with AsyncExitStack() as stack:
        programs = ProxyPrograms(place)
        await programs.start(stack)
        yield programs


def test_no_request_touches_a_workload_that_is_not_its_own(
    plane: DataPlane, programs: ProxyPrograms, place: Place
) -> None:
    address = place.address()
    port = place.free_port(address)
    mesh = MeshSettings(gateway_address=address, node_address=address, ports={80: port})
    services = [isolation.baseline_service(name) for name in SERVICES]
    pods = {workload: isolation.workload_pod(workload, at) for workload, at in programs.addresses.items()}

    async def program(system: System, version: int) -> None:
        programs.system = system
        assert not await plane.apply(compile(isolation.build_world(version, system, services, pods), mesh))

    async def ask_gateway(request: Request) -> Answer:
        return await ask(address, port, request.target, **request.headers)

    isolation.check_drawn_systems((Client.PROXY,), program, ask_gateway)
