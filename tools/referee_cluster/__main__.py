"""`make referee-cluster`: the same manifests and branches on mesh-mall and on a cluster of real parts, page by page.

First mesh-mall answers drawn requests in a dozen branches, and renders these for a cluster. Then etcd, kube-apiserver,
kube-controller-manager and istiod start in a network namespace of their own, with one Envoy per pod: the demo's
scenario is played there, the rendered branches are applied, and every page is compared. Needs root, Go, iproute2 and
nftables; without one of them it says so in one line and changes nothing.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mesh.envoy.process.binary import find
from tools.go_programs import ISTIO, KUBERNETES, GoPrograms
from tools.referee_cluster.network import run
from tools.referee_cluster.questions import BRANCHES, Question, ask, drawn, manifests

ROOT = Path(__file__).parents[2]
NEEDED = ("ip", "nft", "unshare", "setpriv", "openssl")
KUBECTL = Path(sys.executable).parent / "kubectl"


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 when every page is the same."""
    # Ended by a signal, it ends what it started: `finally` runs for SystemExit alone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="make referee-cluster", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="how many requests are drawn")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    programs = GoPrograms.find()
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if os.getuid() != 0:
        missing.append("root")
    if programs is None or missing:
        sys.stdout.write(f"referee-cluster: skipped, needs {', '.join(['Go'] * (programs is None) + missing)}\n")
        return 0
    istio = programs.module("istio.io/istio", ISTIO) / "manifests/charts/base/files/crd-all.gen.yaml"
    gateway_api = programs.module("sigs.k8s.io/gateway-api", "v1.6.3") / "config/crd/experimental"
    questions = drawn(options.seed, options.requests)
    plan: dict[str, Any] = {
        "etcd": str(programs.etcd()),
        "kube-apiserver": str(programs.kubernetes("kube-apiserver")),
        "kube-controller-manager": str(programs.kubernetes("kube-controller-manager")),
        "istiod": str(programs.istiod()),
        "envoy": str(find()),
        "kubectl": str(KUBECTL),
        "definitions": [str(istio), *(str(path) for path in sorted(gateway_api.glob("gateway.networking*.yaml")))],
        "questions": questions,
    }
    with tempfile.TemporaryDirectory(prefix="referee-") as name:
        work = Path(name)
        # Envoy runs as another user, who reads its own file there.
        work.chmod(0o711)
        plan["answers"] = _ask_mesh(work, questions)
        (work / "plan.json").write_text(json.dumps(plan))
        sys.stdout.write(f"a cluster of Kubernetes {KUBERNETES} and istiod {ISTIO.rpartition('-')[2]}\n")
        sys.stdout.flush()
        # Whatever it starts and mounts ends with its first process.
        isolated = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
        command = [*isolated, sys.executable, "-m", "tools.referee_cluster.inside", str(work)]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def _ask_mesh(work: Path, questions: Sequence[Question]) -> list[Any]:
    """mesh-mall's answers; the rendered branches are in `work` afterwards."""
    address = f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{2 + secrets.randbelow(250)}"
    environ = {**os.environ, "MESHMALL_HOME": str(work / "home")}

    def meshmall(*words: str) -> str:
        command = [sys.executable, "-m", "meshmall", *words]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"meshmall {' '.join(words)}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    (work / "branches.yaml").write_text(yaml.safe_dump_all(manifests(), sort_keys=False))
    sys.stdout.write(f"mesh-mall answers {len(questions)} requests in {len(BRANCHES)} branches\n")
    sys.stdout.flush()
    try:
        meshmall("up", "--address", address)
        meshmall("apply", "-f", str(work / "branches.yaml"))
        words = ("wait", "branches.meshmall.dev", "--all", "-n", "mesh", "--for=condition=Ready", "--timeout=180s")
        run(str(KUBECTL), f"--kubeconfig={work / 'home' / 'kubeconfig'}", *words)
        answers = ask(address, 8080, questions)
        (work / "rendered.yaml").write_text(meshmall("branch", "render", *BRANCHES))
    finally:
        meshmall("down")
    return answers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
