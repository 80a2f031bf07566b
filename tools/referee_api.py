"""Renews the recorded answers of a kube-apiserver: `make referee-api`.

Builds etcd and kube-apiserver with Go, once, below ~/.cache/meshmall/referees (or $MESHMALL_REFEREES), starts both on
free ports of loopback, asks what tests/conformance/api_server has recorded, and writes what they answer now. Without Go
it says so and changes nothing: the tests need the recorded answers alone.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.api_server.referee import Referee, renew

from tools.go_programs import GoPrograms

ISTIO_API, GATEWAY_API = "v1.31.0", "v1.6.3"
READY_WITHIN = 120


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make referee-api", description=__doc__)
    parser.add_argument("--check", action="store_true", help="print what changed, and write nothing")
    options = parser.parse_args(arguments)
    programs = GoPrograms.find()
    if programs is None:
        sys.stdout.write("referee-api: skipped, Go is missing (https://go.dev/doc/install)\n")
        return 0
    started = (programs.etcd(), programs.kubernetes("kube-apiserver"))
    with tempfile.TemporaryDirectory(prefix="referee-") as work, _started(started, Path(work)) as referee:
        definitions = [path for folder in _definitions(programs) for path in sorted(folder.rglob("*.yaml"))]
        sys.stdout.write(asyncio.run(renew(referee, definitions, write=not options.check)))
    return 0


def _definitions(programs: GoPrograms) -> list[Path]:
    """The folders with the CustomResourceDefinitions of Istio and of the Gateway API."""
    return [
        programs.module("istio.io/api", ISTIO_API) / "kubernetes",
        programs.module("sigs.k8s.io/gateway-api", GATEWAY_API) / "config/crd/experimental",
    ]


@contextlib.contextmanager
def _started(programs: tuple[Path, Path], work: Path) -> Iterator[Referee]:
    """Runs etcd and kube-apiserver until the block ends."""
    etcd, server = programs
    client, peer, port = (_free_port() for _ in range(3))
    token = "referee"  # noqa: S105 - of a server that lives for a minute, on loopback
    (work / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    key = work / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    store, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    commands = {
        "etcd": [
            *(str(etcd), "--data-dir", str(work / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", store, "--advertise-client-urls", store, "--listen-peer-urls", peers),
            *("--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}"),
        ],
        "kube-apiserver": [
            *(str(server), f"--etcd-servers={store}", "--service-cluster-ip-range=10.96.0.0/16"),
            *("--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}"),
            *(f"--service-account-signing-key-file={key}", "--authorization-mode=RBAC", "--allow-privileged"),
            *(f"--token-auth-file={work / 'tokens.csv'}", "--bind-address=127.0.0.1", f"--secure-port={port}"),
            *(f"--cert-dir={work / 'certs'}", "--endpoint-reconciler-type=none"),
        ],
    }
    processes = []
    try:
        for name, command in commands.items():
            with (work / f"{name}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        referee = Referee(f"https://127.0.0.1:{port}", token)
        _wait(referee, processes, work)
        yield referee
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def _wait(referee: Referee, processes: list[subprocess.Popen[bytes]], work: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not referee.is_ready():
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(work.glob("*.log")))
            raise SystemExit(f"referee-api: kube-apiserver is not ready\n{logs}")
        time.sleep(0.2)


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
