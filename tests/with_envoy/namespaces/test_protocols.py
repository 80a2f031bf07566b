"""Whatever programs speak with each other passes unchanged: gRPC with trailers, WebSocket, h2c, long uploads."""

import os
import sys
from pathlib import Path

import pytest

from mesh.pods.sandbox.client import Process
from mesh.pods.sandbox.spec import ProcessSpec
from tests.support.objects import service
from tests.support.pod_networks import PodNetworks, PodPlace
from tests.support.waiting import eventually

# An unprivileged user where the tests run as root; nobody else has it.
USER = 64_001 if os.geteuid() == 0 else None

SERVER = """
import asyncio, sys
import grpc
from aiohttp import web

async def hello(request, context):
    context.set_trailing_metadata((("x-trailer", "told"),))
    return b"hello " + request

async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket

async def upload(request):
    size = 0
    async for chunk in request.content.iter_chunked(1 << 16):
        size += len(chunk)
    return web.Response(text=str(size))

async def main():
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(hello)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Greeter", {"Hello": method}),))
    server.add_insecure_port("0.0.0.0:50051")
    await server.start()
    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.get("/echo", echo), web.post("/upload", upload)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 8080).start()
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

GRPC_CLIENT = """
import sys
import grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    call = channel.unary_unary("/shop.Greeter/Hello")
    answer, state = call.with_call(b"mesh", timeout=10)
    print(answer.decode(), dict(state.trailing_metadata())["x-trailer"])
"""

WEB_CLIENT = """
import asyncio, sys
import aiohttp

async def main():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"http://{sys.argv[1]}/echo") as socket:
            await socket.send_str("through")
            print(await socket.receive_str())
        async with session.post(f"http://{sys.argv[1]}/upload", data=b"x" * 20_000_000) as answer:
            print(answer.status, await answer.text())

asyncio.run(main())
"""


async def run(mesh: PodNetworks, place: PodPlace, output: Path, program: str, *words: str) -> Process:
    """Starts a Python program in a pod; what it prints and says of its errors goes to a file."""
    spec = ProcessSpec(
        (sys.executable, "-c", program, *words),
        {"PATH": os.environ["PATH"]},
        pod=place.uid,
        hostname="test",
        needed=(sys.prefix, sys.base_prefix),
        uid=USER,
        gid=USER,
    )
    with output.open("wb") as file:
        return await mesh.agent.spawn(spec, (None, file.fileno(), file.fileno()))


@pytest.mark.parametrize("names", [("grpc", "http"), ("", "web")])
async def test_grpc_websocket_and_uploads_pass(mesh: PodNetworks, tmp_path: Path, names: tuple[str, str]) -> None:
    client, server = await mesh.pod("client"), await mesh.pod("server")
    grpc, web = (
        service(name, "shop", port, port_name, app="server")
        for name, port, port_name in zip(("greeter", "pages"), (50051, 8080), names, strict=True)
    )
    grpc["spec"]["clusterIP"], web["spec"]["clusterIP"] = "10.96.0.40", "10.96.0.41"
    assert not await mesh.apply(grpc, web)
    said = tmp_path / "server.log"
    running = await run(mesh, server, said, SERVER)
    assert await eventually(lambda: "ready" in said.read_text() or not running.alive, said.read_text)
    assert running.alive, said.read_text()

    for program, places, expected in (
        (GRPC_CLIENT, ("10.96.0.40:50051", f"{server.ip}:50051"), "hello mesh told\n"),
        (WEB_CLIENT, ("10.96.0.41:8080", f"{server.ip}:8080"), "THROUGH\n200 20000000\n"),
    ):
        for number, place in enumerate(places):
            answer = tmp_path / f"client-{number}.log"
            process = await run(mesh, client, answer, program, place)
            await process.wait()
            assert answer.read_text() == expected, place
