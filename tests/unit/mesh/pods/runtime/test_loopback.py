"""The loopback runtime: what a pod's processes get, and that none of them outlives the pod."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from mesh.pods.host import addresses
from mesh.pods.host.addresses import Block
from mesh.pods.host.pod_processes import CONTAINER_MARK, HOME_MARK, POD_MARK, output_folder, pod_processes
from mesh.pods.runtime import loopback
from mesh.pods.runtime.interface import ProcessSpec, SandboxError, StartError
from mesh.pods.runtime.loopback import LoopbackRuntime, LoopbackSandbox
from mesh.procfs import start_time
from mesh.resources.core.pod import Pod
from mesh.resources.validation.manifest import validate
from mesh.socket_owners import Owner
from tests.support.waiting import DEADLINE, eventually

UID = "11111111-2222-3333-4444-555555555555"

# Leaves the session with an empty environment, as PostgreSQL's and nginx's processes leave no mark in /proc either.
ESCAPE = "env -i /usr/bin/setsid /bin/sh -c '{redirect} echo $$ >{pid_file}; exec /bin/sleep 64' & "


@pytest.fixture
def block(home: Path) -> Iterator[Block]:
    block = Block.claim(home)
    yield block
    block.release_all()


@pytest.fixture
def runtime(home: Path, block: Block) -> LoopbackRuntime:
    return LoopbackRuntime(home, block)


@pytest.fixture
def pod() -> Pod:
    spec = {"containers": [{"name": "main", "image": "none", "command": ["true"]}]}
    metadata = {"name": "p", "uid": UID}
    return cast(Pod, validate({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, "mesh").typed)


def process_spec(home: Path, sandbox: LoopbackSandbox, *argv: str) -> ProcessSpec:
    environment = {"PATH": os.environ["PATH"], HOME_MARK: str(home), POD_MARK: UID, CONTAINER_MARK: "main"}
    return ProcessSpec("main", list(argv), environment, sandbox.folder)


def fifo(home: Path) -> Path:
    path = output_folder(home) / UID / "main.0"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


async def read_pid(path: Path) -> int:
    await eventually(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


async def until_gone(pid: int) -> None:
    await eventually(lambda: start_time(pid) is None)


async def test_a_pod_has_an_address_and_a_folder_until_it_is_removed(
    runtime: LoopbackRuntime, block: Block, pod: Pod
) -> None:
    sandbox = await runtime.create(pod)
    assert sandbox.ip in block
    assert sandbox.folder.is_dir()
    await sandbox.remove()
    await sandbox.remove()
    assert not sandbox.folder.exists()


async def test_a_block_without_a_free_address_is_named(
    runtime: LoopbackRuntime, block: Block, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "POD_ADDRESSES", 1)
    block.pod_ip()
    with pytest.raises(SandboxError, match="has no address left for a pod"):
        await runtime.create(pod)


async def test_a_program_that_does_not_exist_is_named(runtime: LoopbackRuntime, home: Path, pod: Pod) -> None:
    sandbox = await runtime.create(pod)
    with pytest.raises(StartError, match='"no-such-program": no such program'):
        await sandbox.start(process_spec(home, sandbox, "no-such-program"), fifo(home))
    await sandbox.remove()


async def test_a_command_runs_beside_the_container_and_what_it_wrote_comes_back(
    runtime: LoopbackRuntime, home: Path, pod: Pod
) -> None:
    sandbox = await runtime.create(pod)
    spec = process_spec(home, sandbox, "true")
    assert await sandbox.run(spec, ["sh", "-c", "pwd; exit 3"], DEADLINE) == (3, f"{sandbox.folder}\n")
    assert (await sandbox.run(spec, ["no-such-program"], DEADLINE)).code == 127
    with pytest.raises(TimeoutError):
        await sandbox.run(spec, ["sleep", "65"], 0.05)
    await sandbox.remove()


async def test_a_child_in_a_session_of_its_own_with_no_environment_ends_with_its_parent(
    runtime: LoopbackRuntime, home: Path, pod: Pod
) -> None:
    """Also when its output goes elsewhere: it is still the container's child when the container is ended."""
    sandbox = await runtime.create(pod)
    script = ESCAPE.format(redirect="exec >/dev/null 2>&1;", pid_file=home / "pid") + "exec sleep 63"
    process = await sandbox.start(process_spec(home, sandbox, "sh", "-c", script), fifo(home))
    child = await read_pid(home / "pid")
    process.signal(signal.SIGTERM)
    await process.wait()
    await sandbox.kill_remaining("main")
    await until_gone(child)
    await sandbox.remove()


async def test_an_orphan_in_a_session_of_its_own_with_no_environment_ends_with_the_pod(
    runtime: LoopbackRuntime, home: Path, pod: Pod
) -> None:
    """Its parent has ended before: it is recognised by its output, which is the container's."""
    sandbox = await runtime.create(pod)
    script = ESCAPE.format(redirect="", pid_file=home / "pid") + f"until test -s {home}/pid; do sleep 0.01; done"
    process = await sandbox.start(process_spec(home, sandbox, "sh", "-c", script), fifo(home))
    orphan = await read_pid(home / "pid")
    await process.wait()
    assert [(owned.process.pid, owned.pod_uid, owned.container) for owned in pod_processes(home)] == [
        (orphan, UID, "main")
    ]
    await sandbox.remove()
    await until_gone(orphan)


async def test_a_port_that_is_taken_is_explained(runtime: LoopbackRuntime, pod: Pod) -> None:
    sandbox = await runtime.create(pod)
    try:
        for words in (
            "Error: listen EADDRINUSE: address already in use 0.0.0.0:8080",
            "OSError: [Errno 98] Address already in use",
            "listen tcp :8080: bind: address already in use",
            "java.net.BindException: Address already in use",
            "Web server failed to start. Port 8080 was already in use.",
        ):
            assert f"listen on $HOST ({sandbox.ip}) instead of 0.0.0.0" in sandbox.hint(words)
        assert sandbox.hint("KeyError: 'HOST'") == ""
    finally:
        await sandbox.remove()


async def test_a_listener_of_another_user_answers_no_probe(
    runtime: LoopbackRuntime, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = await runtime.create(pod)
    with socket.create_server((sandbox.ip, 0)) as listener:
        port = listener.getsockname()[1]
        (await sandbox.connect(asyncio.Protocol, sandbox.ip, port)).abort()
        stranger = Owner(os.geteuid() + 1, 7)
        monkeypatch.setattr(loopback, "owner_of_listener", lambda address: stranger)
        with pytest.raises(PermissionError, match="a program of another user"):
            await sandbox.connect(asyncio.Protocol, sandbox.ip, port)
        # Nothing is known of a kernel that does not answer.
        monkeypatch.setattr(loopback, "owner_of_listener", lambda address: None)
        (await sandbox.connect(asyncio.Protocol, sandbox.ip, port)).abort()
    await sandbox.remove()
