"""Nobody meets a workload that is not theirs, also when pods have network namespaces and no client knows a proxy.

Calls go by name, by full name, by the ClusterIP alone, and as bytes that carry no headers.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.support import isolation
from tests.support.http import Answer, ask
from tests.support.isolation import SERVICES, WITHOUT_A_PROXY, WORKLOADS, Client, Request, System
from tests.support.objects import Body, body
from tests.support.pod_networks import PodNetworks, PodPlace
from tests.with_envoy.namespaces.test_edge import free_port

PORT, BYTES_PORT = 7000, 7001
CLUSTER_IPS = {name: f"10.96.1.{number}" for number, name in enumerate(SERVICES, 1)}
HOSTS = {
    Client.NAME: "{name}:7000",
    Client.FULL_NAME: "{name}.mesh.svc.cluster.local:7000",
    Client.ADDRESS: "{address}:7000",
}


def two_port_service(name: str) -> Body:
    """HTTP on one port, a protocol in which the server speaks first on another."""
    ports = [{"name": "http", "port": PORT}, {"name": "tcp-bytes", "port": BYTES_PORT}]
    selector = {"app": name, "branch": "baseline"}
    return body("Service", name, "mesh", "", selector=selector, ports=ports, clusterIP=CLUSTER_IPS[name])


class PodPrograms(isolation.Programs):
    """A program in each pod, which knows nothing of the mesh: it connects to ClusterIPs."""

    def __init__(self, mesh: PodNetworks) -> None:
        super().__init__()
        self.mesh = mesh
        self.places: dict[str, PodPlace] = {}

    async def start(self) -> None:
        for workload in WORKLOADS:
            place = await self.mesh.pod(workload, "mesh")
            # The pod's labels are the isolation test's, not those that `PodNetworks.pod` gives.
            raw = isolation.workload_pod(workload, place.ip)
            place = replace(place, body={**raw, "metadata": {**raw["metadata"], "uid": place.uid}})
            self.places[workload] = place

            async def serve(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, workload: str = workload
            ) -> None:
                try:
                    await self.serve(workload, reader, writer)
                finally:
                    writer.close()

            async def serve_bytes(
                _: asyncio.StreamReader, writer: asyncio.StreamWriter, workload: str = workload
            ) -> None:
                try:
                    await self.serve_bytes(workload, writer)
                finally:
                    writer.close()

            await self.mesh.serve(place, PORT, serve)
            await self.mesh.serve(place, BYTES_PORT, serve_bytes)

    async def ask(self, workload: str, callee: str, client: Client, headers: Mapping[str, str]) -> Answer:
        address = CLUSTER_IPS[callee]
        host = HOSTS[client].format(name=callee, address=address)
        return await self.mesh.ask(self.places[workload], f"{address}:{PORT}/", host=host, **headers)

    async def ask_bytes(self, workload: str, callee: str) -> bytes:
        reader, writer = await self.mesh.open_connection(self.places[workload], CLUSTER_IPS[callee], BYTES_PORT)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@pytest.fixture
async def programs(mesh: PodNetworks) -> PodPrograms:
    programs = PodPrograms(mesh)
    await programs.start()
    return programs


def test_no_request_touches_a_workload_that_is_not_its_own(mesh: PodNetworks, programs: PodPrograms) -> None:
    port = free_port()
    mesh.settings = replace(mesh.settings, ports={80: port})
    services = [two_port_service(name) for name in SERVICES]
    pods = {workload: place.body for workload, place in programs.places.items()}

    async def program(system: System, version: int) -> None:
        programs.system = system
        snapshot = mesh.snapshot(isolation.build_world(version, system, services, pods))
        assert not await mesh.plane.apply(snapshot)

    async def ask_gateway(request: Request) -> Answer:
        return await ask("127.0.0.1", port, request.target, **request.headers)

    isolation.check_drawn_systems(WITHOUT_A_PROXY, program, ask_gateway)
