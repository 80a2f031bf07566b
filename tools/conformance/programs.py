"""The suite, and the programs that its manifests name as images: built from Go modules once, and kept."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SUITE, ISTIO, COREDNS = "1.6.3", "v0.0.0-20260827124520-eed52ebb66ad", "1.15.0"
GATEWAY_API = "sigs.k8s.io/gateway-api"
ISTIO_RELEASE = "1.31"
SOURCE = Path(__file__).parent / "suite"
GO = "go 1.26.0"
# The name that echo-advanced's client has in its image: the suite runs it in pods.
CLIENT = "client"


class Programs(NamedTuple):
    """Paths: the suite's test program, the folder of the programs, and that of the definitions of kinds."""

    suite: Path
    folder: Path
    definitions: Path


PROGRAMS = ("echo-basic", "echo-advanced", CLIENT, "coredns")


def _folder() -> Path:
    cache = Path(os.environ.get("MESHMALL_REFEREES") or Path.home() / ".cache" / "meshmall" / "referees")
    return cache / f"gateway-api-{SUITE}"


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
    conformance = f"require {GATEWAY_API}/conformance v{SUITE}\n\nreplace {GATEWAY_API} => {GATEWAY_API} v{SUITE}\n"
    for name, requirements, package in (
        ("echo-basic", conformance, f"{GATEWAY_API}/conformance/echo-basic"),
        ("echo-advanced", f"require istio.io/istio {ISTIO}\n", "istio.io/istio/pkg/test/echo/cmd/server"),
        (CLIENT, f"require istio.io/istio {ISTIO}\n", "istio.io/istio/pkg/test/echo/cmd/client"),
        ("coredns", f"require github.com/coredns/coredns v{COREDNS}\n", "github.com/coredns/coredns"),
    ):
        _program(go, folder / "bin" / name, requirements, package, say)
    return Programs(suite, folder / "bin", _module(go) / "config" / "crd" / "experimental")


def _program(go: str, program: Path, requirements: str, package: str, say: Callable[[str], None]) -> None:
    if program.exists():
        return
    say(f"building {program.name} (minutes, once)")
    program.parent.mkdir(parents=True, exist_ok=True)
    source = program.parent.parent / f"{program.name}-source"
    source.mkdir(exist_ok=True)
    (source / "go.mod").write_text(f"module referee\n\n{GO}\n\n{requirements}")
    _run(go, ["build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", f"{program}.new", package], source)
    # Under its name only when it is complete.
    Path(f"{program}.new").rename(program)


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
