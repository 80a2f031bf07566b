"""Between the host and the mesh: gateways and NodePorts, what leaves by its destination, and endpoints outside."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.http import ask, read_head
from tests.support.objects import Body, body, rule, service, to
from tests.support.pod_networks import PodNetworks, ask_at
from tests.support.served import own_address
from tests.support.waiting import eventually


def free_port() -> int:
    """A port of the host that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def outside(name: str, address: str = "127.0.0.1") -> AsyncIterator[int]:
    """An HTTP server of the host's; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_head(reader):
            text = json.dumps({"who": name, "headers": request[1]})
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()

    server = await asyncio.start_server(serve, address, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def gateway(port: int) -> list[Body]:
    servers = [{"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    return [
        body("Gateway", "door", "shop", selector={"istio": "ingressgateway"}, servers=servers),
        rule("web", "*", to("web"), namespace="shop", gateways=["door"]),
    ]


async def test_a_gateway_of_the_host_reaches_pods_and_says_who_the_client_is(mesh: PodNetworks) -> None:
    web = await mesh.pod("web")
    await mesh.serve_http(web, 7000)
    port = free_port()
    unwanted = body(
        "AuthorizationPolicy",
        "unwanted",
        "istio-system",
        "security.istio.io",
        selector={"matchLabels": {"istio": "ingressgateway"}},
        action="DENY",
        rules=[{"from": [{"source": {"ipBlocks": ["127.0.0.5/32"]}}]}],
    )
    assert not await mesh.apply(service("web", "shop"), *gateway(port), unwanted)

    for source, status in (("127.0.0.1", 200), ("127.0.0.5", 403)):
        connection = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        assert (await ask_at(connection, "/", "web.example.com")).status == status


async def test_a_port_of_the_host_that_is_taken_is_said_and_taken_later(mesh: PodNetworks) -> None:
    web = await mesh.pod("web")
    await mesh.serve_http(web, 7000)
    async with outside("somebody") as port:
        refused = await mesh.apply(service("web", "shop"), *gateway(port))
        ((_, name), reason), *more = refused.items()
        assert (name, more) == (f"gateway|{port}", [])
        assert "Address already in use" in reason
    assert not await mesh.plane.offer_listeners_again()
    assert (await ask("127.0.0.1", port)).sent["who"] == "web"


async def test_the_machines_own_name_leads_to_its_loopback_and_nothing_else_does(mesh: PodNetworks) -> None:
    client = await mesh.pod("client")
    async with outside("mine") as port, outside("another") as other:
        assert not await mesh.apply()
        for number, name in ((port, "mine"), (other, "another"), (port, "mine")):
            assert (await mesh.ask(client, f"{mesh.network.host}:{number}", host="any")).sent["who"] == name
        # An address of its own is the pod's; and the mesh may not call hosts that it does not know.
        with pytest.raises(OSError, match="Connect call failed"):
            await mesh.ask(client, f"127.0.0.1:{port}")
        assert (await mesh.ask(client, f"192.0.2.77:{port}")).status == 502


async def test_what_is_outside_is_reached_when_any_host_may_be(mesh: PodNetworks) -> None:
    client = await mesh.pod("client")
    own = own_address()
    if not own:
        pytest.skip("this machine has no address but its loopback")
    sidecar = body("Sidecar", "default", "shop", outboundTrafficPolicy={"mode": "ALLOW_ANY"})
    async with outside("far", own) as port, outside("other", own) as other:
        assert not await mesh.apply(sidecar)
        for number, name in ((port, "far"), (other, "other"), (port, "far")):
            assert (await mesh.ask(client, f"{own}:{number}", host="the.same")).sent["who"] == name
        assert (await mesh.ask(client, f"10.96.9.9:{port}")).status == 503
        with pytest.raises(ConnectionError):
            await mesh.ask(client, f"0.0.0.1:{port}")


async def test_endpoints_outside_of_the_mesh_are_reached_by_the_edge(mesh: PodNetworks) -> None:
    client = await mesh.pod("client")
    async with outside("database") as port:
        entry = body(
            "ServiceEntry",
            "database",
            "shop",
            hosts=["database.example.com"],
            ports=[{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": port}],
            resolution="STATIC",
            endpoints=[{"address": "127.0.0.1"}],
        )
        assert not await mesh.apply(entry)
        assert (await mesh.ask(client, "10.244.0.99:80", host="database.example.com")).sent["who"] == "database"
    assert not await mesh.apply()
    assert not [path for path in (mesh.home / "run" / "edge").iterdir() if path.name.startswith("to-")]


async def test_bytes_from_the_host_are_held_to_the_policies_of_the_pods(mesh: PodNetworks) -> None:
    cache = await mesh.pod("cache")

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    await mesh.serve(cache, 6379, echo)
    port = free_port()
    redis = service("cache", "shop", 6379, "redis")
    redis["spec"]["ports"][0]["nodePort"] = port
    wanted = body(
        "AuthorizationPolicy",
        "wanted",
        "shop",
        "security.istio.io",
        selector={"matchLabels": {"app": "cache"}},
        action="ALLOW",
        rules=[{"from": [{"source": {"ipBlocks": ["127.0.0.1/32"]}}]}],
    )
    assert not await mesh.apply(redis, wanted)

    for source, expected in (("127.0.0.1", b"ping\n"), ("127.0.0.5", b"")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        writer.write(b"ping\n")
        assert await reader.readline() == expected
        writer.close()


async def test_both_envoys_come_back_when_they_are_killed(mesh: PodNetworks) -> None:
    client, web = await mesh.pod("client"), await mesh.pod("web")
    await mesh.serve_http(web, 7000)
    port = free_port()
    assert not await mesh.apply(service("web", "shop"), *gateway(port))

    for process in (mesh.plane.process, mesh.edge.process):
        before = process.restarts
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await eventually(lambda process=process, before=before: process.restarts > before, "it is started again")  # type: ignore[misc]
        # Applying waits until Envoy has everything again.
        assert not await mesh.apply(service("web", "shop"), *gateway(port))
        assert (await ask("127.0.0.1", port)).sent["who"] == "web"
        assert (await mesh.ask(client, f"{web.ip}:7000")).sent["who"] == "web"
