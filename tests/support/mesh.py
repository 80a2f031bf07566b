"""Whole meshes, driven by the `meshmall` command as a person types it."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from tests.support.places import DEPLOY


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


def run_kubectl(program: str, home: Path, *words: str, cwd: Path, **environ: str) -> Ran:
    """Runs kubectl against the mesh of a home; standard output and standard error come together in `out`."""
    ended = subprocess.run(
        [program, *words],
        cwd=cwd,
        env={"KUBECONFIG": str(home / "kubeconfig"), "HOME": str(home), "PATH": os.environ["PATH"], **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout, "")


@dataclass
class Mesh:
    """A mesh with a home and a loopback address of its own, so that many run side by side."""

    home: Path
    address: str
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, stdin: str | None = None, limit: float = 90) -> Ran:
        """Runs `meshmall` with these words."""
        ended = subprocess.run(
            [sys.executable, "-m", "meshmall", *words],
            env={**os.environ, "MESHMALL_HOME": str(self.home), "COLUMNS": "200", **self.environ},
            capture_output=True,
            text=True,
            input=stdin,
            timeout=limit,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def ok(self, *words: str, stdin: str | None = None) -> str:
        ran = self.run(*words, stdin=stdin)
        assert ran.code == 0, f"{words}: {ran.out}{ran.err}"
        return ran.out

    def up(self, *words: str, command: str = "up") -> str:
        return self.ok(command, "--address", self.address, *words)

    @contextmanager
    def foreground(self, *words: str) -> Iterator["subprocess.Popen[str]"]:
        """`up --foreground` as a supervisor runs it; ended with the body."""
        with subprocess.Popen(
            [sys.executable, "-m", "meshmall", "up", "--foreground", "--address", self.address, *words],
            env={**os.environ, "MESHMALL_HOME": str(self.home), **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def manifest(self, name: str) -> str:
        return str(DEPLOY / name)

    @property
    def has_namespaces(self) -> bool:
        """Whether the pods of this running mesh have network namespaces; else they have loopback addresses."""
        return bool(json.loads(self.ok("status", "-o", "json"))["network"]["mode"] == "namespaces")

    @property
    def gateway(self) -> str:
        return f"http://{self.address}:8080"

    def mall(self, cookie: str, base: str = "") -> Any:
        """`/api/mall` as somebody with this cookie header."""
        with SyncClientBuilder().no_proxy().build() as client:
            answer = client.get(f"{base or self.gateway}/api/mall").header("cookie", cookie).build().send()
            text = answer.text()
            assert answer.status == 200, (answer.status, text)
            return json.loads(text)

    def processes(self) -> list[str]:
        """The command lines of all living processes that belong to this home."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                environ = (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                folder_of = str((folder / "cwd").readlink())
            except OSError:
                continue
            ours = f"MESHMALL_HOME={self.home}\0".encode() in environ + b"\0"
            if (ours or folder_of.startswith(str(self.home)) or str(self.home) in command) and command:
                found.append(command)
        return found


def seen(body: Any) -> tuple[bool, bool, int]:
    """What makes a branch: recommend's banner, discount's banner, products with favourites."""
    products = [*body["recommend"]["products"], *body["discount"]["products"]]
    return (
        body["recommend"]["banner"],
        body["discount"]["banner"],
        sum("favorites" in product for product in products),
    )


BASELINE = (False, False, 0)
JASON = (True, False, 0)
FOX = (False, True, 12)


def answers(url: str) -> bool:
    """Whether anything answers there."""
    try:
        with SyncClientBuilder().no_proxy().build() as client:
            client.get(url).build().send()
    except PyreqwestError:
        return False
    return True


@contextmanager
def meshes() -> Iterator[Callable[[], Mesh]]:
    """Makes meshes that are not up yet; ends them, and checks that they left no process."""
    started: list[Mesh] = []
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:

        def make() -> Mesh:
            address = f"127.{random.randint(241, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            started.append(Mesh(Path(folder) / f"home{len(started)}", address))
            return started[-1]

        try:
            yield make
        finally:
            for mesh in started:
                mesh.run("down")
                assert mesh.processes() == []
