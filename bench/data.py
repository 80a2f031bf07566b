"""How long a store stands still while a branch copies it, how soon the branch's answers, and whether copies are whole.

    python -m bench.data --engines postgres,redis --clones 20 --megabytes 500 [--file-system xfs]

Each engine runs in a mesh of its own under write load that maintains an invariant (tests/support/engines.py). Every
clone is one `meshmall branch create BRANCH --data ENGINE`, is checked in the branch's own pod, and deleted. With a
`--file-system` the mesh's home lies on one in a file that is mounted for the purpose, which needs root. One JSON line
per engine.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.engines import ENGINES, Engine, totals
from tests.support.mesh import Mesh
from tests.support.pod_programs import PodPrograms
from tests.support.waiting import until

SIZE_OF_FILE_SYSTEM = 12 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--clones", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--file-system", default="", help="xfs or ext4; default: that of the temporary folder")
    options = parser.parse_args()
    for name in options.engines.split(","):
        engine = ENGINES[name]
        if missing := engine.missing():
            print(f"{name}: skipped, {', '.join(missing)} is not installed", file=sys.stderr)
            continue
        with home(options.file_system) as folder:
            print(json.dumps(measure(engine, folder, options.clones, options.megabytes)), flush=True)


@contextmanager
def home(file_system: str) -> Iterator[Path]:
    """A folder for a mesh, on a file system of this kind."""
    with tempfile.TemporaryDirectory(prefix="bench-data-") as name:
        folder = Path(name)
        if not file_system:
            yield folder
            return
        if os.geteuid() != 0:
            raise SystemExit("mounting a file system needs root")
        image, mount = folder / "image", folder / "mount"
        with image.open("wb") as file:
            file.truncate(SIZE_OF_FILE_SYSTEM)
        subprocess.run([f"mkfs.{file_system}", "-q", str(image)], check=True)
        mount.mkdir()
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
        try:
            yield mount
        finally:
            subprocess.run(["umount", str(mount)], check=True)


def measure(engine: Engine, folder: Path, clones: int, megabytes: int) -> dict[str, Any]:
    """The figures of one engine."""
    mesh = Mesh(folder / "home", f"127.{os.getpid() % 90 + 100}.{os.getpid() // 90 % 256}.7")
    mesh.up("--empty", "--network", "namespaces")
    try:
        programs = PodPrograms(mesh)
        programs.kubectl("create", "namespace", "mesh")
        programs.apply(*engine.objects())
        programs.ok("rollout", "status", f"statefulset/{engine.name}", "--timeout=55s")
        filled = programs.kubectl("exec", f"{engine.name}-0", "--", *engine.fill(megabytes), limit=600)
        assert filled.code == 0, filled
        programs.apply(engine.load_pod())
        until(lambda: totals(programs.kubectl("logs", f"load-{engine.name}").out)["ok"] > 0, 120)
        begun, before = time.time(), totals(programs.ok("logs", f"load-{engine.name}"))
        runs = [clone(mesh, programs, engine, number) for number in range(clones)]
        after, seconds = totals(programs.ok("logs", f"load-{engine.name}")), time.time() - begun
        frozen, answers = sorted(run["frozen"] for run in runs), sorted(run["seconds"] for run in runs)
        return {
            "engine": engine.name,
            "megabytes": round(runs[0]["bytes"] / 1e6),
            "shared": runs[0]["shared"],
            "clones": clones,
            "consistent": sum(run["verdict"] == "consistent" for run in runs),
            "frozen ms": {"p50": frozen[len(frozen) // 2], "max": frozen[-1]},
            "branch ready s": {"p50": answers[len(answers) // 2], "max": answers[-1]},
            "failures": failures(programs, engine),
            "load": {"per second": round((after["ok"] - before["ok"]) / seconds), "failed": after["failed"]},
            "verdicts": sorted({run["verdict"] for run in runs}),
        }
    finally:
        mesh.run("down")
        shutil.rmtree(folder / "home", ignore_errors=True)


def failures(programs: PodPrograms, engine: Engine) -> list[str]:
    """What the load says about operations that failed."""
    log = programs.ok("logs", f"load-{engine.name}")
    return [line for line in log.splitlines() if line.startswith("failed:")][:5]


def clone(mesh: Mesh, programs: PodPrograms, engine: Engine, number: int) -> dict[str, Any]:
    """One branch with its own copy: made, checked, deleted."""
    name = f"clone{number}"
    begun = time.time()
    mesh.ok("branch", "create", name, "--data", engine.name, "--data-clients", "")
    seconds = round(time.time() - begun, 2)
    status = json.loads(programs.ok("get", "branch", name, "-o", "json"))["status"]["data"][0]
    checked = programs.kubectl("exec", f"{engine.name}-{name}-0", "--", *engine.check())
    verdict = checked.out.strip() or checked.err.strip()[-200:]
    mesh.ok("branch", "delete", name)
    return {
        "seconds": seconds,
        "frozen": status.get("frozenMilliseconds", 0),
        "bytes": status["bytes"],
        "shared": status.get("shared", False),
        "verdict": verdict,
    }


if __name__ == "__main__":
    main()
