"""Ctrl-C at drawn moments, in a terminal, and commands that meet a mesh which cannot answer: the state is known."""

import json
import os
import random
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence

import pytest

from meshmall.defaults import NODE_PORT
from tests.support.mesh import Mesh
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("INTERRUPT_ROUNDS", "2"))
# A line of a traceback through this project's code.
OURS = re.compile(r'File "[^"]*/(?:meshmall/cli/(?!__init__)|mesh/)')
READING = (
    ("status",),
    ("get", "pods", "-w"),
    ("trace", "/api/mall"),
    ("top",),
    ("logs", "deployment/mall-v1", "-f"),
    ("branch", "list"),
    ("branch", "diff", "fox", "/api/mall"),
    ("load", "--seconds", "2"),
)
CHANGING = (
    ("branch", "create", "ann", "--fork", "stock"),
    ("branch", "delete", "ann"),
    ("branch", "fault", "fox", "stock", "--delay", "1s"),
    ("branch", "fault", "fox", "stock", "--clear"),
    ("restart", "stock-v1"),
)


def interrupted(mesh: Mesh, words: Sequence[str], after: float) -> tuple[int, str]:
    """The exit code and the screen of a command that gets Ctrl-C after so many seconds."""
    environment = {**os.environ, "MESHMALL_HOME": str(mesh.home), "TERM": "xterm"}
    with Terminal([sys.executable, "-m", "meshmall", *words], environment) as terminal:
        time.sleep(after)  # the moment is what is drawn: there is no condition to wait for
        if terminal.process.poll() is None:
            terminal.type("\x03")
        code = terminal.ended()
    # Python's own start is before any of our code: nobody can press keys that fast, and nothing can be done about it.
    assert not OURS.search(terminal.screen), terminal.screen
    assert "Exception ignored" not in terminal.screen, terminal.screen
    assert code in (0, 1, 130, -signal.SIGINT), (code, terminal.screen)
    return code, terminal.screen


def test_any_command_ends_without_a_traceback_and_leaves_a_mesh_that_works(mesh: Mesh) -> None:
    mesh.up()
    mesh.ok("branch", "create", "fox", "--cookie", "user=fox", "--fork", "products")
    chance = random.Random(19)
    for words in (*READING, *CHANGING):
        for _ in range(ROUNDS):
            interrupted(mesh, words, chance.uniform(0.1, 1.2))
    mesh.ok("restart", "stock-v1")
    mesh.ok("status")
    assert mesh.mall("user=fox")["recommend"] is not None
    branches = mesh.ok("branch", "list", "-o", "name").split()
    assert set(branches) <= {"ann", "fox"}
    for name in branches:
        assert json.loads(mesh.ok("branch", "show", name, "-o", "json"))["status"]["phase"] == "Ready"


def test_an_interrupted_up_leaves_no_mesh_or_one_that_runs(mesh: Mesh) -> None:
    chance = random.Random(20)
    for _ in range(2 * ROUNDS):
        _, screen = interrupted(mesh, ("up", "--address", mesh.address), chance.uniform(0.2, 4.0))
        running = mesh.run("status").code == 0 or "pods" in mesh.run("status").err
        if "no mesh is running" in screen:
            assert not running, screen
            assert mesh.processes() == []
        interrupted(mesh, ("down",), chance.uniform(0.2, 1.5))
        mesh.ok("down")
        assert mesh.processes() == []
    mesh.up()
    mesh.ok("status")


def test_a_node_port_that_is_taken_leaves_no_half_started_mesh(new_mesh: Callable[[], Mesh]) -> None:
    mesh = new_mesh()
    for command in ("up", "demo"):
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind((mesh.address, NODE_PORT))
            other.listen()
            refused = mesh.run(command, "--address", mesh.address)
        assert refused.code == 1
        assert f"spec.ports[0].nodePort: {mesh.address}:{NODE_PORT} is in use" in refused.err
        assert "the mesh was stopped again" in refused.err
        assert "no mesh is running" in mesh.run("status").err
        assert mesh.processes() == []
    mesh.up()


def test_status_does_not_wait_for_ever(mesh: Mesh) -> None:
    mesh.up("--empty")
    pid = json.loads((mesh.home / "run" / "daemon.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = mesh.run("status", limit=90)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert answer.code == 1
    assert f"(pid {pid}) does not answer" in answer.err
    assert "meshmall down" in answer.err
    mesh.ok("status")
