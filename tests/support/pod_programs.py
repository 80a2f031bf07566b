"""Pods of a running mesh whose programs are a few lines of shell or Python: made, looked at, and removed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.mesh import Mesh, Ran
from tests.support.waiting import until

KUBECTL = shutil.which("kubectl") or str(Path(sys.executable).parent / "kubectl")


class PodPrograms:
    """Applies objects in namespace `mesh` and deletes them at the end of the block."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for name in reversed(self._names):
            self.kubectl("delete", name, "--ignore-not-found", "--grace-period=1")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.mesh.home / "kubeconfig"),
            "HOME": str(self.mesh.home),
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
        }

    def kubectl(self, *words: str, stdin: str | None = None, limit: float = 60) -> Ran:
        """Runs kubectl in namespace `mesh`."""
        ended = subprocess.run(
            [KUBECTL, "-n", "mesh", *words],
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def ok(self, *words: str, stdin: str | None = None) -> str:
        ran = self.kubectl(*words, stdin=stdin)
        assert ran.code == 0, f"{words}: {ran.out}{ran.err}"
        return ran.out

    def apply(self, *objects: dict[str, Any]) -> None:
        """Applies objects, which are deleted at the end."""
        self._names += [f"{body['kind']}/{body['metadata']['name']}" for body in objects]
        self.ok("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def start(self, name: str, command: Sequence[str], **more: Any) -> None:
        """A pod with one container; `container` are fields of it, the others are the pod's spec."""
        container = {"name": "main", "command": list(command), **more.pop("container", {})}
        spec = {"restartPolicy": "Never", "containers": [container], **more}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})

    def pod(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.ok("get", "pod", name, "-o", "json"))
        return body

    def output(self, name: str) -> str:
        """What a pod that ends by itself has written. Fails when it fails."""
        phase = until(lambda: self._ended(name), 60, lambda: json.dumps(self.pod(name).get("status")))
        text = self.ok("logs", name)
        assert phase == "Succeeded", text
        return text

    def run(self, name: str, command: Sequence[str], **more: Any) -> str:
        """Starts a pod, waits for its end and returns what it wrote."""
        self.start(name, command, **more)
        return self.output(name)

    def until_log(self, name: str, text: str) -> str:
        """Waits for text in a pod's log; returns the log."""

        def logged() -> str:
            log = self.kubectl("logs", name).out
            return log if text in log else ""

        return until(logged, 60, lambda: f"{text!r} in {self.kubectl('logs', name)}")

    def _ended(self, name: str) -> str:
        phase = str((self.pod(name).get("status") or {}).get("phase"))
        return phase if phase in ("Succeeded", "Failed") else ""
