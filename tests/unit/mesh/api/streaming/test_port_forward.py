"""port-forward with a stock kubectl, tunnelled and over SPDY, and with the official Python client."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from mesh.api.streaming.port_forward import ports_of
from mesh.api.transport.status_errors import Problem
from tests.support.api import KUBECTL, Api, Kubectl, run_python
from tests.support.server import Server

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


@asynccontextmanager
async def echoing() -> AsyncGenerator[int, None]:
    """A server that sends back all that it got, once its client has said everything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        await writer.drain()

    async with await Server.start(serve, "127.0.0.1") as server:
        yield server.port


@asynccontextmanager
async def forwarded(kubectl: Kubectl, port: int) -> AsyncGenerator[tuple[int, asyncio.subprocess.Process], None]:
    process = await kubectl.start("port-forward", "-n", "default", "pod/shell", f":{port}")
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        match = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert match, line
        yield int(match[1]), process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


@needs_kubectl
async def test_connections_go_both_ways_and_many_at_once(kubectl: Kubectl) -> None:
    messages = [os.urandom(200_000) for _ in range(12)]
    async with echoing() as port, forwarded(kubectl, port) as (local, _):
        answers = await asyncio.gather(*(exchange(local, message) for message in messages))
    assert answers == messages


@needs_kubectl
async def test_a_port_that_nobody_listens_on_is_said(kubectl: Kubectl) -> None:
    async with echoing() as port:
        pass
    async with forwarded(kubectl, port) as (local, process):
        assert await exchange(local, b"anybody?") == b""
        assert process.stderr is not None
        assert f"forwarding {port}" in (await asyncio.wait_for(process.stderr.readline(), 30)).decode()


PYTHON_CLIENT = """
import sys
from kubernetes import client, config
from kubernetes.stream import portforward

config.load_kube_config()
port = int(sys.argv[1])
forward = portforward(client.CoreV1Api().connect_get_namespaced_pod_portforward, "shell", "default", ports=sys.argv[1])
connection = forward.socket(port)
connection.setblocking(True)
connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
answer = b""
while data := connection.recv(65536):
    answer += data
print(len(answer), answer[-5:], forward.error(port))
"""


async def test_the_python_client_forwards_a_port(api: Api) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 300_000)
        await writer.drain()

    async with await Server.start(serve, "127.0.0.1") as server:
        out = await run_python(api, PYTHON_CLIENT, str(server.port))
    assert out == "300019 b'xxxxx' None\n"


def test_ports_are_numbers_from_1_to_65535() -> None:
    assert ports_of(["80,81", "82"]) == [80, 81, 82]
    for text in ("http", "0", "65536", "-1"):
        with pytest.raises(Problem, match="is not a port"):
            ports_of([text])
    with pytest.raises(Problem, match="at most 64"):
        ports_of([",".join(["80"] * 65)])
