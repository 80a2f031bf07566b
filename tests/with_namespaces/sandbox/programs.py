"""What the tests run in pods, and how."""

import asyncio
import os
import sys
from pathlib import Path

from mesh.pods.sandbox.client import Agent, Process
from mesh.pods.sandbox.needed import needed_paths
from mesh.pods.sandbox.spec import ProcessExit, ProcessSpec

PATH = "/usr/local/bin:/usr/bin:/bin"
UID = 64997 if os.geteuid() == 0 else os.geteuid()
POD = "0f0e0d0c-1111-2222-3333-444455556666"
ADDRESS = "10.244.1.7"


def shell(script: str, **fields: object) -> ProcessSpec:
    return spec("sh", "-c", script, **fields)


def python(code: str, *words: str, **fields: object) -> ProcessSpec:
    return spec(sys.executable, "-c", code, *words, **fields)


def spec(*argv: str, **fields: object) -> ProcessSpec:
    defaults: dict[str, object] = {"pod": POD, "hostname": "orders-1", "uid": UID, "gid": UID}
    environment = {"PATH": PATH}
    needed = needed_paths(argv, environment, "/") + needed_paths((sys.prefix, sys.base_prefix), {}, "/")
    return ProcessSpec(argv, environment, **{"needed": needed, **defaults, **fields})  # type: ignore[arg-type]


async def output(agent: Agent, process: ProcessSpec) -> tuple[str, ProcessExit]:
    """Runs a process to its end; its stdout and stderr together."""
    read, write = os.pipe()
    try:
        running = await agent.spawn(process, (None, write, write))
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    text = await asyncio.to_thread(_read_all, read)
    return text, await running.wait()


def _read_all(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read().decode()


async def until_listening(agent: Agent, pod: str, address: str, port: int) -> None:
    """Waits until something in the pod listens."""
    loop = asyncio.get_running_loop()
    while True:
        with await agent.socket_in(pod) as sock:
            try:
                await loop.sock_connect(sock, (address, port))
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                return


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


__all__ = ["ADDRESS", "PATH", "POD", "UID", "Process", "files", "output", "python", "shell", "spec", "until_listening"]
