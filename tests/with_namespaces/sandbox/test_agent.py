"""The agent, its pods' networks and its processes."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from mesh.pods.sandbox.client import Agent, AgentError, AgentGone, connect, envoy
from tests.with_namespaces.sandbox.programs import ADDRESS, POD, output, python, shell, until_listening

SERVER = "import http.server as h; h.ThreadingHTTPServer(('0.0.0.0', 80), h.SimpleHTTPRequestHandler).serve_forever()"


async def test_a_process_runs_in_the_pods_network_with_its_hostname_and_as_its_first_process(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)

    code = "import os, socket, json; print(json.dumps([os.getpid(), socket.gethostname(), socket.if_nameindex()]))"
    text, ended = await output(agent, python(code))

    assert json.loads(text) == [1, "orders-1", [[1, "lo"], [2, "eth0"]]]
    assert (ended.code, ended.signal, ended.pod) == (0, 0, POD)


async def test_exit_codes_and_signals_are_reported(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)

    _, ended = await output(agent, shell("exit 3"))
    sleeper = await agent.spawn(shell("exec sleep 1000"))
    assert await sleeper.signal(signal.SIGKILL)
    killed = await sleeper.wait()

    assert (ended.code, ended.signal) == (3, 0)
    assert (killed.code, killed.signal) == (137, 9)
    assert not await sleeper.signal(signal.SIGKILL)
    assert {exit_.key for exit_ in (await agent.list()).exits} == {ended.key, killed.key}
    await agent.acknowledge([ended.key, killed.key])
    assert (await agent.list()).exits == []


async def test_a_container_ends_with_its_first_process(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    read, write = os.pipe()
    process = await agent.spawn(shell("(trap '' TERM; sleep 1000) & echo up; exec sleep 1000"), (None, write))
    os.close(write)
    assert os.read(read, 10) == b"up\n"

    await process.signal(signal.SIGKILL)
    await process.wait()

    assert await asyncio.to_thread(os.read, read, 10) == b""  # the background process held the other end
    os.close(read)


async def test_a_program_that_is_missing_is_named(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)

    with pytest.raises(AgentError, match='"no-such-program": no such program on PATH /usr/local/bin:'):
        await output(agent, shell("")._replace(argv=("no-such-program",)))
    with pytest.raises(AgentError, match='"/etc/passwd": Permission denied'):
        await output(agent, shell("")._replace(argv=("/etc/passwd",)))
    with pytest.raises(AgentError, match='pod "nobody" has no network'):
        await output(agent, shell("", pod="nobody"))
    assert (await agent.list()).processes == []


async def test_two_pods_listen_on_the_same_port_and_are_reached_through_sockets_made_inside(agent: Agent) -> None:
    pods = {"pod-a": "10.244.1.8", "pod-b": "10.244.1.9"}
    for uid, address in pods.items():
        await agent.create_pod_network(uid, uid, address)
    running = [await agent.spawn(python(SERVER, pod=uid, hostname=uid)) for uid in pods]

    for uid, address in pods.items():
        await until_listening(agent, uid, "127.0.0.1", 80)
        await until_listening(agent, uid, address, 80)
        await until_listening(agent, "", address, 80)  # over the bridge, as Envoy does
    for process in running:
        await process.signal(signal.SIGKILL)
        await process.wait()


async def test_outgoing_connections_arrive_at_the_proxys_port_with_their_original_destination(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    loop = asyncio.get_running_loop()
    with await agent.socket_in(POD) as listener, await agent.socket_in(POD) as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", 15001))
        listener.listen()

        await loop.sock_connect(client, ("10.96.7.7", 8080))

        connection, peer = await loop.sock_accept(listener)
        with connection:
            original = connection.getsockopt(socket.SOL_IP, 80, 16)
    assert (socket.inet_ntoa(original[4:8]), int.from_bytes(original[2:4], "big")) == ("10.96.7.7", 8080)
    assert peer[0] == ADDRESS


async def test_loopback_and_the_pods_own_address_are_not_redirected(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    for address in ("127.0.0.1", "127.0.0.77", ADDRESS):
        with await agent.socket_in(POD) as client, pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().sock_connect(client, (address, 9))


async def test_nothing_of_the_hosts_network_is_reachable(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        await agent.socket_in(POD) as client,
        pytest.raises(ConnectionRefusedError),
    ):
        await asyncio.get_running_loop().sock_connect(client, server.getsockname())


async def test_datagrams_to_elsewhere_are_refused_at_once(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    loop = asyncio.get_running_loop()
    with await agent.socket_in(POD, kind=socket.SOCK_DGRAM) as client:
        await loop.sock_connect(client, ("192.0.2.1", 53))
        for _ in range(3):
            client.send(b"question")
            with pytest.raises(OSError, match="No route to host"):
                await asyncio.wait_for(loop.sock_recv(client, 100), 10)


async def test_a_pods_network_is_made_again_and_removed(agent: Agent, home: Path) -> None:
    first = await agent.create_pod_network(POD, "orders-1", ADDRESS)
    again = await agent.create_pod_network(POD, "orders-1", ADDRESS)
    moved = await agent.create_pod_network(POD, "orders-1", "10.244.1.99")

    assert first == again == moved._replace(address=ADDRESS)
    assert Path(first.path) == home / "run" / "netns" / POD
    await agent.remove_pod_network(POD)
    await agent.remove_pod_network(POD)
    assert (await agent.list()).pods == []
    assert not Path(first.path).exists()


async def test_a_second_daemon_finds_what_the_first_started(agent: Agent, home: Path) -> None:
    pod = await agent.create_pod_network(POD, "orders-1", ADDRESS)
    process = await agent.spawn(shell("exec sleep 1000", name="orders/0"))
    agent.close()
    with pytest.raises(AgentGone):
        await agent.list()

    async with await connect(home) as second:
        state = await second.list()
        assert state.pods == [pod]
        assert [(live.key, live.pod, live.name) for live in state.processes] == [(process.key, POD, "orders/0")]
        survivor = second.process(state.processes[0])
        await survivor.signal(signal.SIGTERM)  # ignored: the first process of a PID namespace without a handler
        await survivor.signal(signal.SIGKILL)
        assert (await survivor.wait()).signal == signal.SIGKILL


async def test_many_processes_start_at_once(agent: Agent) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    results = await asyncio.gather(*(output(agent, shell(f"echo {number}")) for number in range(20)))
    assert [text.strip() for text, _ in results] == [str(number) for number in range(20)]


async def test_envoys_process_may_enter_a_pods_network(agent: Agent) -> None:

    pod = await agent.create_pod_network(POD, "orders-1", ADDRESS)
    code = (
        "import ctypes, os, sys, socket\n"
        "assert ctypes.CDLL(None).setns(os.open(sys.argv[1], 0), 0x40000000) == 0\n"
        "print(socket.if_nameindex())"
    )
    text, ended = await output(agent, envoy((sys.executable, "-c", code, pod.path), {}, Path("/")))
    assert (text, ended.code) == ("[(1, 'lo'), (2, 'eth0')]\n", 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_what_the_mesh_has_open_to_a_pod_is_reset_and_nothing_else(agent: Agent, host: str) -> None:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    code = (
        "import socket, sys, time; family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET;"
        "listener = socket.socket(family); listener.bind((sys.argv[1], 80)); listener.listen();"
        "connections = [listener.accept() for _ in range(99)]"
    )
    server = await agent.spawn(python(code, host))
    await until_listening(agent, POD, ADDRESS, 80)
    loop = asyncio.get_running_loop()
    with await agent.socket_in("") as outside, await agent.socket_in(POD) as inside:
        for client in (outside, inside):
            client.setblocking(False)
            await loop.sock_connect(client, (ADDRESS, 80))
            await loop.sock_sendall(client, b"x")
        await server.signal(signal.SIGSTOP)
        await agent.reset_connections(POD)
        with pytest.raises(ConnectionResetError):
            await loop.sock_recv(outside, 1)
        with pytest.raises(BlockingIOError):
            inside.recv(1)
    await server.signal(signal.SIGKILL)
    await server.wait()
