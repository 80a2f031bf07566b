"""What pods use is measured from their processes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.resources.values.quantities import quantity
from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.api import KUBECTL, Api, Kubectl

METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/mesh/pods"
WORK = "held = b'x' * (64 << 20)\nprint('at work', flush=True)\nwhile True: sum(held[:1000])\n"


@pytest.fixture
def busy(api: Api, tmp_path: Path) -> Iterator[str]:
    """The name of a pod with a process that holds 64 MiB and never rests."""
    process = subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE)
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"app": "busy"}}}
    spec = {"containers": [{"name": "main"}]}
    state = {"name": "main", "containerID": f"mesh://{process.pid}", "state": {"running": {}}}
    status = {"containerStatuses": [state]}
    api.store.commit([Put(Ref("", "Pod", "mesh", "busy"), {**body, "spec": spec, "status": status})])
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield "busy"
    finally:
        process.kill()
        process.communicate()


async def test_a_busy_process_uses_cpu_and_memory(api: Api, busy: str) -> None:
    body = (await api.ask("GET", f"{METRICS}/{busy}")).body
    (container,) = body["containers"]
    assert container["name"] == "main"
    assert quantity(container["usage"]["memory"]) > 64 << 20
    assert quantity(container["usage"]["cpu"]) > 0
    assert float(body["window"].removesuffix("s")) >= 0.5
    listed = (await api.ask("GET", f"{METRICS}?labelSelector=app%3Dbusy")).body["items"]
    assert [item["metadata"]["name"] for item in listed] == ["busy"]
    assert (await api.ask("GET", f"{METRICS}?labelSelector=app%3Dother")).body["items"] == []


@pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on this machine")
async def test_kubectl_top_prints_it(api: Api, kubectl: Kubectl, busy: str) -> None:
    _, row = (await kubectl("top", "pods")).splitlines()
    name, cores, memory = row.split()
    assert (name, cores[-1], memory[-2:]) == ("busy", "m", "Mi")
    assert "main" in await kubectl("top", "pods", "--containers")
