"""exec, attach and cp with a stock kubectl, over a WebSocket and over SPDY, and with the official Python client."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import KUBECTL, Api, Kubectl, run_python

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
EXEC = ("exec", "-n", "default")


async def test_a_command_writes_to_both_streams_and_its_exit_code_is_kubectl_s(kubectl: Kubectl) -> None:
    script = "echo to-stdout; echo to-stderr >&2; exit 3"
    code, out, err = await kubectl.answer(*EXEC, "shell", "--", "sh", "-c", script)
    assert (code, out) == (3, b"to-stdout\n")
    assert b"to-stderr\n" in err
    assert b"command terminated with exit code 3" in err


async def test_standard_input_ends_where_the_client_s_ends(kubectl: Kubectl) -> None:
    large = os.urandom(2_000_000)
    code, out, _ = await kubectl.answer(*EXEC, "-i", "shell", "--", "cat", given=large)
    assert code == 0
    assert out == large


async def test_a_command_that_takes_no_input_sees_its_end_at_once(kubectl: Kubectl) -> None:
    assert await kubectl.answer(*EXEC, "shell", "--", "cat") == (0, b"", b"")


async def test_a_program_that_is_not_there_is_an_error_that_names_it(kubectl: Kubectl) -> None:
    code, out, err = await kubectl.answer(*EXEC, "shell", "--", "no-such-program")
    assert (code != 0, out) == (True, b"")
    assert b"no-such-program" in err


async def test_files_are_copied_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    there, back, original = tmp_path / "there", tmp_path / "back", tmp_path / "original"
    original.write_bytes(os.urandom(500_000))
    await kubectl("cp", str(original), f"default/shell:{there}")
    await kubectl("cp", f"default/shell:{there}", str(back))
    assert there.read_bytes() == original.read_bytes() == back.read_bytes()


async def test_attach_joins_a_container_s_own_streams(kubectl: Kubectl) -> None:
    code, out, _ = await kubectl.answer("attach", "-i", "-n", "default", "shell", given=b"typed\n")
    assert (code, out) == (0, b"attached\ntyped\n")


async def test_a_container_of_another_name_is_refused(kubectl: Kubectl) -> None:
    out = await kubectl(*EXEC, "shell", "-c", "other", "--", "true", fails=True)
    assert "container" in out and "other" in out


async def test_a_pod_that_has_ended_takes_no_commands(kubectl: Kubectl, api: Api) -> None:
    await api.ask("PATCH", "/api/v1/namespaces/default/pods/shell/status", {"status": {"phase": "Succeeded"}},
                  content_type="application/merge-patch+json")  # fmt: skip
    out = await kubectl(*EXEC, "shell", "--", "true", fails=True)
    assert "completed pod" in out


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of 33 rows and 101 columns: our end, and the program's."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


async def test_a_terminal_has_the_size_of_the_client_s_and_echoes(kubectl: Kubectl, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    # The size may come a moment after the command has started, as with any container runtime.
    script = "until [ \"$(stty size)\" = '33 101' ]; do read -t 0.05 nothing; done; echo sized; read line; exit 4"
    assert KUBECTL is not None
    process = await asyncio.create_subprocess_exec(
        KUBECTL, *EXEC, "-it", "shell", "--", "bash", "-c", script,
        env=kubectl.environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    seen = await asyncio.to_thread(_read_until, ours, b"sized")
    os.write(ours, b"a line\n")
    assert await asyncio.wait_for(process.wait(), 30) == 4
    assert b"a line" in seen + await asyncio.to_thread(_read_until, ours, b"a line")


def _read_until(fd: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += os.read(fd, 4096)
    return seen


PYTHON_CLIENT = """
from kubernetes import client, config
from kubernetes.stream import stream

config.load_kube_config()
call = client.CoreV1Api().connect_get_namespaced_pod_exec
words = ["sh", "-c", "echo out; echo err >&2"]
print(sorted(stream(call, "shell", "default", command=words, stdout=True, stderr=True, stdin=False, tty=False).split()))
shell = stream(client.CoreV1Api().connect_get_namespaced_pod_exec, "shell", "default", command=["sh"], stdout=True,
               stderr=True, stdin=True, tty=False, _preload_content=False)
shell.write_stdin("echo typed; exit 5\\n")
shell.run_forever(timeout=20)
print(shell.returncode, repr(shell.read_stdout()))
"""


async def test_the_python_client_runs_commands_with_input(api: Api) -> None:
    assert await run_python(api, PYTHON_CLIENT) == "['err', 'out']\n5 'typed\\n'\n"
