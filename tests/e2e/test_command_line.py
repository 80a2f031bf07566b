"""What every command has in common: output for programs, any locale, a closed pipe, and the shell's completion."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.mesh import Mesh, Ran
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

BRANCH = ("branch", "create", "tab", "--fork", "discount", "--header", "x-tab=1")
BIN = Path(sys.executable).parent
# Commands that report, as they are typed against the demo's mesh, and what their JSON has.
REPORTS: dict[str, Callable[[Any], bool]] = {
    "status": lambda body: body["problems"] == [] and body["gateway"],
    "demo": lambda body: body["users"]["fox"]["discount_banner"] is True,
    "get pods": lambda body: body["kind"] == "List" and body["items"],
    "get service mall": lambda body: body["kind"] == "Service",
    "describe service mall": lambda body: body[0]["object"]["kind"] == "Service" and body[0]["events"] == [],
    "apply -f {deploy}/mesh-routing.yaml": lambda body: "VirtualService" in kinds(body),
    "apply -f {deploy}/fox.yaml --dry-run": lambda body: "Deployment" in kinds(body),
    "restart discount-v1": lambda body: body["status"]["readyReplicas"] == 1,
    "route http://products:7000/ --from mall-v1": lambda body: body["destinations"],
    "-X GET trace /api/mall": lambda body: body[0]["requestId"],
    "top": lambda body: any(row["service"] == "mesh/mall" for row in body),
    "load --seconds 0.5": lambda body: body["all"]["failed"] == 0,
    "analyze": lambda body: isinstance(body, list),
    "branch list": lambda body: any(item["metadata"]["name"] == "tab" for item in body),
    "branch show tab": lambda body: body["status"]["phase"] == "Ready",
    "branch extend tab 3h": lambda body: body["spec"]["expires"],
    "branch fault tab stock --delay 1s": lambda body: body["spec"]["faults"]["stock"]["delay"],
    "branch fault tab stock --clear": lambda body: "stock" not in body["spec"].get("faults", {}),
    "branch create beside --version products=v1 --header x-b=1": lambda body: body["status"]["phase"] == "Ready",
    "branch delete beside": lambda body: body[0]["result"] == "deleted",
    "delete branch nosuch": lambda body: body[0]["result"] == "not found",
}
PLAIN = (
    *(line for line in REPORTS if not line.startswith(("branch create", "branch delete", "restart", "load"))),
    "--version", "--help", "branch create --help", "get all -A -o wide", "logs deployment/mall-v1 --tail 2",
    "branch diff tab /api/mall", "branch render tab", "branch open tab --print", "console --print", "kubeconfig",
    "completion bash", "get pods \udcff", "nosuch", "branch show \u00e9",
)  # fmt: skip
PIPED = ("get pods -o json", "get pods -ojson", "status", "trace /", "branch create --help", "completion bash")


def kinds(body: Any) -> set[str]:
    return {item["kind"] for item in body["items"]}


@pytest.fixture(scope="module")
def tab(demo: Mesh) -> Mesh:
    """The demo's mesh with a branch."""
    demo.ok(*BRANCH)
    return demo


def words_of(line: str, mesh: Mesh) -> list[str]:
    return line.format(deploy=Path(mesh.manifest("fox.yaml")).parent).split()


@pytest.mark.parametrize("line", REPORTS)
def test_a_report_is_json_alone_on_stdout(tab: Mesh, line: str) -> None:
    ran = tab.run(*words_of(line, tab), "-o", "json")
    assert REPORTS[line](json.loads(ran.out)), ran.out
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("line", ["get service mall", "describe service mall", "branch show tab", "branch extend tab"])
def test_yaml_says_what_json_says(tab: Mesh, line: str) -> None:
    body = yaml.safe_load(tab.ok(*line.split(), "-o", "yaml"))
    assert (body[0]["object"] if isinstance(body, list) else body)["apiVersion"]


def test_names_can_be_given_to_other_commands(tab: Mesh) -> None:
    names = tab.ok("apply", "-f", tab.manifest("mesh-routing.yaml"), "-o", "name").split()
    assert names
    assert tab.ok("describe", *names)


def test_a_format_that_a_command_lacks_is_refused(tab: Mesh) -> None:
    for line in REPORTS:
        ran = tab.run(*words_of(line, tab), "-o", "foo")
        assert (ran.code, ran.out) == (2, ""), line
        assert "-o foo: " in ran.err


def plain_locale(mesh: Mesh, words: list[str], **environ: str) -> Ran:
    """A command in the C locale, which Python is kept from replacing by UTF-8."""
    ended = subprocess.run(
        [sys.executable, "-m", "meshmall", *words],
        env={
            "PATH": os.environ["PATH"], "MESHMALL_HOME": str(mesh.home), "LC_ALL": "C", "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0", **environ,
        },
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    return Ran(ended.returncode, ended.stdout.decode("ascii"), ended.stderr.decode("ascii"))


@pytest.mark.parametrize("line", PLAIN)
def test_a_locale_without_unicode_gets_ascii(tab: Mesh, line: str) -> None:
    ran = plain_locale(tab, words_of(line, tab))
    assert "Traceback" not in ran.err, ran.err
    assert "Error" not in ran.err or "╭" not in ran.err


@pytest.mark.parametrize(
    "line", ["get pods -o json", "get pods -ojson", "status", "trace /", "branch create --help", "completion bash"]
)
def test_a_closed_pipe_ends_a_command_with_141(tab: Mesh, line: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "meshmall", *line.split()],
        env={**os.environ, "MESHMALL_HOME": str(tab.home)},
        stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


def shell_environment(mesh: Mesh, folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return {"PATH": path, "MESHMALL_HOME": str(mesh.home), "HOME": str(folder), "TERM": "xterm", "PS1": "> "}


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_completes_names_at_the_tab_key(tab: Mesh, tmp_path: Path) -> None:
    with Terminal(["bash", "--norc", "--noprofile", "-i"], shell_environment(tab, tmp_path)) as terminal:
        terminal.resize(200, 50)
        terminal.type("source <(meshmall completion bash); echo re''ady\n")
        terminal.until("ready")
        for typed, completed in (
            ("meshmall bra\t", "nch "),
            ("show ta\t", "b "),
            ("\x15meshmall get virtuals\t", "ervices "),
            ("mall-g\t", "ateway "),
            ("\x15meshmall -n mesh logs recommend-v1\t", "-"),
            ("\x15meshmall logs deployment/users\t", "-v1 "),
            ("\x15meshmall branch create x --fork disc\t", "ount"),
            ("\x15meshmall delete service sto\t", "ck "),
        ):
            terminal.type(typed)
            terminal.until(completed)
        terminal.type("\x15exit\n")
        terminal.ended()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(tab: Mesh, tmp_path: Path, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    environment = shell_environment(tab, tmp_path)
    if shell == "fish":
        script = "meshmall completion fish | source; complete -C 'meshmall branch show ta'"
        ended = subprocess.run(
            ["fish", "--no-config", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "tab" in ended.stdout.split(), ended.stderr
        return
    with Terminal(["zsh", "-f", "-i"], environment) as terminal:
        terminal.resize(200, 50)
        terminal.type("autoload -Uz compinit; compinit -u; source <(meshmall completion zsh); echo re''ady\n")
        terminal.until("ready")
        terminal.type("meshmall branch show ta\t")
        terminal.until("tab")
        terminal.type("\x15exit\n")
        terminal.ended()
