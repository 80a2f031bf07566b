"""`branch run`: the command's environment and exit code."""

import sys
from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.branch.run import proxy_environment, run_command
from tests.support.commands import FakeClient, context_with

FOX = Ref("meshmall.dev", "Branch", "mesh", "fox")


def client() -> FakeClient:
    return FakeClient({FOX: {"metadata": {"name": "fox"}}}, {"status": {"developer": {"mesh": "127.4.255.1:15001"}}})


def test_every_http_client_finds_the_branch_in_its_proxy(tmp_path: Path) -> None:
    environment = proxy_environment(context_with(client(), tmp_path), "fox")
    assert environment["HTTP_PROXY"] == environment["http_proxy"] == "http://fox:branch@127.4.255.1:15001"
    assert environment["NO_PROXY"] == ""
    assert environment["BAGGAGE"].endswith("=fox")
    with pytest.raises(Failure, match="no listener for programs outside it in namespace other"):
        proxy_environment(context_with(client(), tmp_path, "other"), "fox")


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import os, sys; sys.exit(os.environ['MESHMALL_BRANCH'] != 'fox')", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_the_command_s_end_is_the_end(tmp_path: Path, program: str, code: int) -> None:
    assert run_command(context_with(client(), tmp_path), "fox", [sys.executable, "-c", program]) == code


def test_a_command_that_does_not_exist_is_127_as_in_a_shell(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        run_command(context_with(client(), tmp_path), "fox", ["no-such-program-anywhere"])
    assert caught.value.code == 127
