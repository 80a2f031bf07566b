"""A fresh mesh for the suite, in a home of its own, with the suite's images mapped to programs."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from mesh.client.connection import Connection
from tools.conformance.programs import Programs

MESH_NAME = "meshmall"
# The suite calls Gateways at these ports.
PORTS = (80, 443)


def unusable_port() -> str:
    """Why the gateway cannot listen where the suite calls it; "" when it can."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                return f"127.0.0.1:{port}: {error.strerror}"
    return ""


@contextlib.contextmanager
def running(home: Path, programs: Programs) -> Iterator[Path]:
    """Starts the mesh, with the Gateway API's own definitions of its kinds; yields the path of its kubeconfig."""
    home.mkdir(parents=True)
    # Beside the home, which pods do not see.
    certificate, key = home.parent / "cert.crt", home.parent / "cert.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=echo"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    # openssl gives the key to the user alone, whom pods do not run as.
    key.chmod(0o644)
    # One of the suite's pods mounts /root, where the cache may be: its program would not be there any more.
    folder = Path(shutil.copytree(programs.folder, home.parent / "bin"))
    (home / "images.yaml").write_text(json.dumps({"images": list(_images(folder, certificate, key))}))
    environment = {**os.environ, "MESHMALL_HOME": str(home)}
    try:
        _meshmall(environment, "up", "--empty", "--gateway-port", str(PORTS[0]), "--gateway-https-port", str(PORTS[1]))
        _define_kinds(home, programs.definitions)
        mesh = home / "mesh.yaml"
        mesh.write_text(
            f"apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XMesh\nmetadata: {{name: {MESH_NAME}}}\n"
            "spec: {controllerName: meshmall.dev/mesh-controller}\n"
        )
        _meshmall(environment, "apply", "-f", str(mesh))
        yield Path(_meshmall(environment, "kubeconfig").strip())
    finally:
        _meshmall(environment, "down")


def _define_kinds(home: Path, definitions: Path) -> None:
    """Creates the CustomResourceDefinitions: the suite reads the version of the Gateway API from them. They are not
    applied: some are too large for the annotation that `apply` writes, on a cluster, too."""
    connection = Connection(home, timeout=60)
    for path in sorted(definitions.glob("*.yaml")):
        for definition in yaml.safe_load_all(path.read_text()):
            if definition and definition.get("kind") == "CustomResourceDefinition":
                connection.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    connection.close()


def _images(folder: Path, certificate: Path, key: Path) -> Iterator[dict[str, Any]]:
    """The images of the suite's manifests, whatever their versions."""
    yield {"image": "registry.k8s.io/gateway-api/echo-basic", "command": [str(folder / "echo-basic")]}
    # The image's own certificate is in its file system; of a flag that is there twice, the last one counts.
    files = [f"--crt={certificate}", f"--key={key}"]
    yield {
        "image": "registry.k8s.io/gateway-api/echo-advanced",
        "command": [str(folder / "echo-advanced"), "$(ARGS)", *files],
        "env": {"PATH": f"{folder}:{os.environ['PATH']}"},
    }
    yield {"image": "registry.k8s.io/coredns/coredns", "command": [str(folder / "coredns")]}


def _meshmall(environment: dict[str, str], *arguments: str) -> str:
    command: Sequence[str] = [sys.executable, "-m", "meshmall", *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"conformance: meshmall {' '.join(arguments)} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout
