"""An emptyDir's sizeLimit: how much there is, and what becomes of a pod that exceeds it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mesh.pods.empty_dirs import disk_usage
from tests.support.yard import FAST, Yard, deployment, pod, shell, yard_of

FILL = shell("""
    head -c 3000000 /dev/zero >$MESHMALL_VOLUME_SCRATCH/large
    exec sleep 600
""")
MOUNTED: dict[str, Any] = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}


def scratch(limit: str) -> dict[str, Any]:
    return {"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": limit}}]}


@pytest.fixture
async def yard(home: Path) -> AsyncIterator[Yard]:
    """A yard that measures volumes often."""
    async with yard_of(home, replace(FAST, volumes_every=0.1)) as started:
        yield started


def test_usage_is_what_the_files_occupy(tmp_path: Path) -> None:
    assert disk_usage(tmp_path / "missing") == 0
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"x" * 10_000)
    (tmp_path / "link").symlink_to("/usr/bin")
    assert 10_000 <= disk_usage(tmp_path) < 100_000


async def test_a_pod_that_exceeds_a_limit_is_evicted(yard: Yard) -> None:
    ref = yard.put(pod("db", *FILL, spec=scratch("1Mi"), **MOUNTED))
    await yard.until(lambda: yard.phase(ref) == "Failed")
    status = (yard.get(ref) or {})["status"]
    assert status["reason"] == "Evicted"
    assert status["message"] == 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". '
    assert yard.events("Evicted")


async def test_within_its_limit_a_pod_stays(yard: Yard) -> None:
    ref = yard.put(pod("db", *FILL, spec=scratch("1Gi"), **MOUNTED))
    await yard.until(lambda: yard.ready(ref))
    folder = yard.home / "pods" / str((yard.get(ref) or {})["metadata"]["uid"]) / "volumes" / "scratch"
    await yard.until(lambda: disk_usage(folder) >= 3_000_000)
    assert yard.phase(ref) == "Running"


async def test_the_pod_of_a_deployment_is_replaced(yard: Yard) -> None:
    body: dict[str, Any] = deployment("db", 1, *FILL, spec=None, **MOUNTED)
    body["spec"]["template"]["spec"] |= scratch("1Mi")
    yard.put(body)
    await yard.until(lambda: len(yard.pods()) > 1)
    assert any((stored.body.get("status") or {}).get("reason") == "Evicted" for stored in yard.pods())
