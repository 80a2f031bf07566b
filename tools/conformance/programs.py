"""The suite, and the programs that its manifests name as images: built from Go modules once, and kept."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tools.go_programs import ISTIO, GoPrograms, kept_in

SUITE, COREDNS = "1.6.3", "1.15.0"
GATEWAY_API = "sigs.k8s.io/gateway-api"
ISTIO_RELEASE = "1.31"
SOURCE = Path(__file__).parent / "suite"
# The name that echo-advanced's client has in its image: the suite runs it in pods.
CLIENT = "client"


class Programs(NamedTuple):
    """Paths: the suite's test program, the folder of the programs, and that of the definitions of kinds."""

    suite: Path
    folder: Path
    definitions: Path


PROGRAMS = ("echo-basic", "echo-advanced", CLIENT, "coredns")


def _folder() -> Path:
    return kept_in() / f"gateway-api-{SUITE}"


def is_built() -> bool:
    """Whether everything has been built before."""
    paths = (_folder() / "conformance.test", *(_folder() / "bin" / name for name in PROGRAMS))
    return all(path.exists() for path in paths)


def build(go: str, say: Callable[[str], None]) -> Programs:
    """Builds what is missing below ~/.cache/meshmall/referees (or $MESHMALL_REFEREES). Raises CalledProcessError."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    suite = folder / "conformance.test"
    if not suite.exists():
        say("building the suite (minutes, once)")
        _run(go, ["test", "-c", "-trimpath", "-o", f"{suite}.new", "."], SOURCE)
        Path(f"{suite}.new").rename(suite)
    programs = GoPrograms(go, folder / "bin")
    conformance = f"require {GATEWAY_API}/conformance v{SUITE}\n\nreplace {GATEWAY_API} => {GATEWAY_API} v{SUITE}\n"
    for name, requirements, package in (
        ("echo-basic", conformance, f"{GATEWAY_API}/conformance/echo-basic"),
        ("echo-advanced", f"require istio.io/istio {ISTIO}\n", "istio.io/istio/pkg/test/echo/cmd/server"),
        (CLIENT, f"require istio.io/istio {ISTIO}\n", "istio.io/istio/pkg/test/echo/cmd/client"),
        ("coredns", f"require github.com/coredns/coredns v{COREDNS}\n", "github.com/coredns/coredns"),
    ):
        programs.build(name, requirements, package)
    return Programs(suite, folder / "bin", _module(go) / "config" / "crd" / "experimental")


def _module(go: str) -> Path:
    """The folder of the Gateway API's own module."""
    command = [go, "list", "-m", "-f", "{{.Dir}}", GATEWAY_API]
    listed = subprocess.run(command, cwd=SOURCE, check=True, capture_output=True, text=True)
    if not listed.stdout.strip():
        _run(go, ["mod", "download", GATEWAY_API], SOURCE)
        listed = subprocess.run(command, cwd=SOURCE, check=True, capture_output=True, text=True)
    return Path(listed.stdout.strip())


def _run(go: str, arguments: list[str], folder: Path) -> None:
    begun = time.monotonic()
    subprocess.run([go, *arguments], cwd=folder, check=True)
    sys.stdout.write(f"conformance: took {time.monotonic() - begun:.0f} s\n")


def find_go() -> str | None:
    """The path of Go's command."""
    return shutil.which("go")
