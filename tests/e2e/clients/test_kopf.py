"""An operator written with kopf: a resource of its own, owned objects, status, finalizers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mesh import Mesh
from tests.support.waiting import until

PROGRAM = Path(__file__).with_name("programs") / "garden_operator.py"
NAMES = {"kind": "Garden", "plural": "gardens", "singular": "garden"}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {"type": "object", "properties": {"beds": {"type": "integer"}, "python": {"type": "string"}}},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
VERSION = {
    "name": "v1",
    "served": True,
    "storage": True,
    "schema": {"openAPIV3Schema": SCHEMA},
    "subresources": {"status": {}},
}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gardens.example.com"},
    "spec": {"group": "example.com", "scope": "Namespaced", "names": NAMES, "versions": [VERSION]},
}


def garden(beds: int) -> str:
    body = {
        "apiVersion": "example.com/v1",
        "kind": "Garden",
        "metadata": {"name": "kim", "namespace": "mesh"},
        "spec": {"beds": beds, "python": sys.executable},
    }
    return json.dumps(body)


@pytest.fixture
def operator(mall: Mesh) -> Iterator[subprocess.Popen[bytes]]:
    mall.ok("apply", "-f", "-", stdin=json.dumps(DEFINITION))
    with subprocess.Popen(
        [sys.executable, "-m", "kopf", "run", "--standalone", "-n", "mesh", str(PROGRAM)],
        env={**os.environ, "KUBECONFIG": str(mall.home / "kubeconfig"), "HOME": str(mall.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield process
        process.terminate()


def names(mall: Mesh, kind: str, selector: str = "") -> list[str]:
    words = ["get", kind, "-o", "json", *(["-l", selector] if selector else [])]
    return [body["metadata"]["name"] for body in json.loads(mall.ok(*words))["items"]]


def test_an_operator_reconciles_its_resources(mall: Mesh, operator: subprocess.Popen[bytes]) -> None:
    mall.ok("apply", "-f", "-", stdin=garden(2))
    until(lambda: names(mall, "deployments", "garden=kim") == ["kim-bed-0", "kim-bed-1"], limit=90)
    until(
        lambda: json.loads(mall.ok("get", "garden", "kim", "-o", "json")).get("status", {}).get("beds") == 2, limit=60
    )
    mall.ok("apply", "-f", "-", stdin=garden(1))
    until(lambda: names(mall, "deployments", "garden=kim") == ["kim-bed-0"], limit=60)
    stored = json.loads(mall.ok("get", "garden", "kim", "-o", "json"))
    assert stored["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]

    # The finalizer holds the object until the operator has seen its deletion; then everything it owns goes with it.
    mall.ok("delete", "garden", "kim")
    until(lambda: names(mall, "gardens") == [], limit=60)
    until(lambda: names(mall, "deployments", "garden=kim") == [], limit=60)
    assert "kim-harvest" in names(mall, "configmaps")
    assert operator.poll() is None
