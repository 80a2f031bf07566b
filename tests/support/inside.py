"""Commands that run in the pods of a whole mesh, in either network mode."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh.daemon.pod_network import LOOPBACK, NAMESPACES
from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.mesh import Mesh
from tests.support.programs import address

MODES = (NAMESPACES, LOOPBACK)
KUBECTL = Path(sys.executable).parent / "kubectl"


def require(mode: str) -> None:
    """Skips the test where the machine does not allow the mode."""
    if mode == NAMESPACES and isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"no namespaces here: {verdict.reason}")


@dataclass(frozen=True)
class Inside:
    """A mesh in one of the two modes, and how its pods are asked to call each other."""

    mesh: Mesh
    mode: str

    @classmethod
    def of(cls, mesh: Mesh) -> "Inside":
        """A mesh that is up, in the mode that is in force."""
        return cls(mesh, json.loads(mesh.run("status", "-o", "json").out)["network"]["mode"])

    @property
    def named(self) -> bool:
        """Whether programs find Services by name, and whoever calls is known."""
        return self.mode == NAMESPACES

    @property
    def listen(self) -> str:
        """Where a server listens: anywhere in a namespace of its own, else at its pod's address."""
        return "0.0.0.0" if self.named else "$(POD_IP)"

    def host(self, service: str) -> str:
        """How a client that knows no proxy reaches a Service."""
        return service if self.named else address(self.mesh, service)

    def apply(self, *bodies: Any) -> None:
        self.mesh.ok("apply", "--wait", "-f", "-", stdin=yaml.safe_dump_all(bodies))

    def kubectl(self, *words: str, limit: float = 60) -> str:
        """What kubectl writes to stdout. Raises AssertionError when it fails."""
        ended = subprocess.run(
            [str(KUBECTL), *words],
            env={"KUBECONFIG": str(self.mesh.home / "kubeconfig"), "HOME": str(self.mesh.home), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
        return ended.stdout

    def run(self, deployment: str, *command: str, limit: float = 60) -> str:
        """What a command in a pod of the Deployment writes to stdout. Raises AssertionError when it fails."""
        return self.kubectl("exec", f"deployment/{deployment}", "-n", "mesh", "--", *command, limit=limit)

    def python(self, deployment: str, program: str, *words: str) -> str:
        return self.run(deployment, sys.executable, "-c", program, *words)

    def api(self, path: str) -> Any:
        """What the mesh's API answers, decoded."""
        return json.loads(self.kubectl("get", "--raw", path))

    def callers(self, service: str) -> set[str]:
        """Who sent the requests that reached a service, as their traces say."""
        return {trace["from"] for trace in self.api(f"/mesh/v1/traces?service={service}")["items"]}


def node_packages(folder: Path, *names: str) -> Path:
    """Installs packages of npm's below a folder; skips the test where that is not possible."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm on this machine")
    ended = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", *names],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if ended.returncode:
        pytest.skip(f"npm cannot install {', '.join(names)} here")
    return folder / "node_modules"
