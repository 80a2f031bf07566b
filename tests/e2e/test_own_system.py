"""An application that knows nothing of meshes: docs/own-system.md, its files and commands exactly as printed."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.mesh import Mesh, meshes
from tests.support.places import ROOT
from tests.support.shell import run_script
from tests.support.waiting import until

PAGE = (ROOT / "docs" / "own-system.md").read_text()
FILE = re.compile(r"^\*\*`(?P<name>\S+)`\*\*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAST = "Stop it"
# As `--address` and in URLs: the one thing that the page's reader does not type, because other meshes run beside.
ADDRESS = "127.0.0.1"
MESH_WORDS = ("meshmall", "mesh-mall", "HTTP_PROXY", "POD_IP", "$(")


def sections() -> Mapping[str, str]:
    """The page's commands by the heading above them."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return {
        title: "".join(COMMANDS.findall(text))
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
        if COMMANDS.search(text)
    }


def files() -> Mapping[str, str]:
    return {match["name"]: match["text"] for match in FILE.finditer(PAGE)}


@dataclass
class Shop:
    """The page's application after all sections but the last. `printed` is what the commands of each one wrote."""

    folder: Path
    mesh: Mesh
    printed: Mapping[str, str]

    def bash(self, script: str) -> str:
        """Runs lines of the page. Raises AssertionError with their output when one of them fails."""
        script = script.replace("meshmall up", f"meshmall up --address {self.mesh.address}")
        script = re.sub(rf"{re.escape(ADDRESS)}:(\d+)", rf"{self.mesh.address}:\1", script)
        environment = {
            "HOME": str(self.folder),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "MESHMALL_HOME": str(self.mesh.home),
            "KUBECONFIG": str(self.mesh.home / "kubeconfig"),
            "COLUMNS": "200",
        }
        return run_script(script, self.folder, environment)

    def get(self, path: str = "/", user: str = "nobody") -> Any:
        """The page's answer: what front, orders and prices said, one inside the other."""
        text = self.bash(f"curl -s -H 'cookie: user={user}' http://{self.mesh.address}:8080{path}")
        return json.loads(text)

    def names(self, path: str = "/", user: str = "nobody") -> tuple[str, str, str]:
        body = self.get(path, user)
        return body["front"], body["orders"]["orders"], body["orders"]["prices"]["prices"]

    def call_from(self, deployment: str, *words: str) -> str:
        """What curl prints when it runs in a pod."""
        quoted = " ".join(f"'{word}'" for word in words)
        return self.bash(f"kubectl exec deployment/{deployment} -n mesh -- curl -s {quoted}")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    for program in ("node", "ruby", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine")
    if isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"no namespaces here: {verdict.reason}")
    # The page's own files are removed after the mesh has ended: pods still run in the folder.
    with tempfile.TemporaryDirectory(prefix="mesh-own-") as name, meshes() as make:
        folder, mesh = Path(name), make()
        mesh.home = folder / "mesh"
        for path, text in files().items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)
        shop = Shop(folder, mesh, {})
        commands = {title: script for title, script in sections().items() if title != LAST}
        output = shop.bash("".join(f"echo; echo '@@@{title}'\n{script}" for title, script in commands.items()))
        parts = re.split(r"^@@@(.+)\n", output, flags=re.MULTILINE)
        shop.printed = dict(zip(parts[1::2], parts[2::2], strict=True))
        yield shop
        stopped = shop.bash(sections()[LAST])
        assert "Deleted branch ann" in stopped
        assert "mesh stopped" in stopped


def answers(text: str) -> list[Any]:
    """The JSON objects in an output, one on each line or one after another."""
    decoder, bodies, place = json.JSONDecoder(), [], text.find('{"')
    while place >= 0:
        body, end = decoder.raw_decode(text, place)
        bodies.append(body)
        place = text.find('{"', end)
    return bodies


def test_neither_programs_nor_manifests_know_the_mesh() -> None:
    for name, text in files().items():
        if not name.endswith("images.yaml"):
            assert not [word for word in MESH_WORDS if word in text], name


def test_three_replicas_of_each_program_listen_on_one_port(shop: Shop) -> None:
    (body,) = answers(shop.printed["Run it"])
    assert (body["front"], body["orders"]["orders"]) == ("front", "orders")
    pods = [line.split() for line in shop.printed["Run it"].splitlines() if " Running " in line]
    assert Counter(pod[0].split("-")[0] for pod in pods) == {"front": 3, "orders": 3, "prices": 3}
    assert {pod[1] for pod in pods} == {"1/1"}


def test_a_pod_s_host_name_is_its_own_and_each_replica_answers(shop: Shop) -> None:
    pods: Counter[str] = Counter()

    def all_answered() -> bool:
        body = shop.get()
        pods.update([body["pod"], body["orders"]["pod"], body["orders"]["prices"]["pod"]])
        return len(pods) == 9

    until(all_answered, what=lambda: f"answers from nine pods: {pods}")


def test_rules_by_path_header_and_source_hold(shop: Shop) -> None:
    printed = shop.printed["Rules"]
    plain, beta, by_header = answers(printed)
    assert plain["orders"]["orders"] == "orders"
    assert beta["orders"]["orders"] == "orders v2"
    assert by_header["orders"] == "orders v2"
    assert printed.rstrip().endswith("fault filter abort 403")


def test_two_branches_of_one_service_work_at_once_and_two_hops_down(shop: Shop) -> None:
    ann, bob, nobody = answers(shop.printed["Branches"])
    assert (ann["orders"]["orders"], ann["orders"]["prices"]["prices"]) == ("Ann's orders", "prices")
    assert (bob["orders"]["orders"], bob["orders"]["prices"]["prices"]) == ("Bob's", "Bob's")
    assert (nobody["orders"]["orders"], nobody["orders"]["prices"]["prices"]) == ("orders", "prices")


FORKS: Mapping[str, Callable[[tuple[str, str, str]], str]] = {
    "front": lambda names: names[0],
    "orders": lambda names: names[1],
    "prices": lambda names: names[2],
}


@pytest.mark.parametrize("service", FORKS)
def test_each_program_can_be_forked(shop: Shop, service: str) -> None:
    branch = f"only-{service}"
    shop.mesh.ok("branch", "create", branch, "--cookie", f"user={branch}", "--fork", service, "--env", "NAME=forked")
    try:
        assert [name for name in shop.names(user=branch) if name == "forked"] == ["forked"]
        assert FORKS[service](shop.names(user=branch)) == "forked"
        assert "forked" not in shop.names()
    finally:
        shop.mesh.ok("branch", "delete", branch)


def test_a_pod_is_seen_as_one_container_sees_itself(shop: Shop) -> None:
    status, host = shop.printed["Look inside"].splitlines()[-2:]
    assert status == "200"
    assert re.fullmatch(r"front-\w+-\w+", host)
