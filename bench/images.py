"""Images: a cold pull, a warm start beside a process's, many pods. `python -m bench.images`; needs docker-registry.

Prints a table for docs/images.md. Nothing else should run on the machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support import images
from tests.support.mesh import Mesh
from tests.support.waiting import until

PROGRAM = "import time; print('ready', flush=True); time.sleep(10000)"
ROUNDS = 5
MANY = 100


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-images-") as folder,
        images.serve(Path(folder) / "registry") as registry,
    ):
        layer = images.python_layer()
        noise = images.archive([images.Entry("data", os.urandom(100_000_000))])
        program = registry.push(images.image([layer], {"Entrypoint": ["python3", "-c", PROGRAM]}), "bench/program", "1")
        large = registry.push(images.image([noise]), "bench/large", "1")
        mesh = Mesh(Path(folder) / "home", "127.252.7.7", {"MESHMALL_IMAGES": "auto"})
        mesh.up("--empty")
        try:
            begun = time.perf_counter()
            mesh.ok("image", "pull", large)
            print(f"cold pull of 100 MB: {time.perf_counter() - begun:.2f} s")
            mesh.ok("image", "pull", program)
            for kind in ("image", "process"):
                times = sorted(_start(mesh, kind, program, number) for number in range(ROUNDS))
                print(f"start of a pod, {kind}: {times[len(times) // 2] * 1000:.0f} ms (median of {ROUNDS})")
            print(f"{MANY} pods of one image: {_many(mesh, program):.1f} s")
            print(json.dumps(json.loads(mesh.ok("image", "list", "--output", "json")), indent=1)[-120:])
        finally:
            mesh.run("down", "--purge")


def _pod(name: str, kind: str, program: str) -> dict[str, object]:
    container: dict[str, object] = {"name": "main", "image": program if kind == "image" else "none"}
    if kind == "process":
        container["command"] = ["/usr/bin/python3", "-c", PROGRAM]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}


def _start(mesh: Mesh, kind: str, program: str, number: int) -> float:
    """Seconds from the command until the program has written its line, less those of a command that does nothing."""
    body = json.dumps(_pod(f"{kind}{number}", kind, program))
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "meshmall", "apply", "-f", "-"],
        input=body,
        text=True,
        capture_output=True,
        env={**os.environ, "MESHMALL_HOME": str(mesh.home)},
        check=True,
    )
    logs = mesh.home / "logs"
    until(
        lambda: any("ready" in path.read_text() for path in logs.rglob(f"*{kind}{number}*/**/*") if path.is_file()), 60
    )
    return time.perf_counter() - begun


def _many(mesh: Mesh, program: str) -> float:
    spec = {"containers": [{"name": "main", "image": program}]}
    labels = {"app": "many"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "many"},
        "spec": {
            "replicas": MANY,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    begun = time.perf_counter()
    mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(body))
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
