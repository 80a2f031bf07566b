"""`meshmall restart`: the pods' template changes, and nothing else."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.restart import RESTARTED_AT, restart
from tests.support.commands import FakeClient, context_with

MALL = Ref("apps", "Deployment", "mesh", "mall-v1")
STATUS = {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}
BODY: Body = {"metadata": {"name": "mall-v1", "generation": 1}, "spec": {"replicas": 1}, "status": STATUS}


def test_a_name_alone_is_a_deployment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client = FakeClient({MALL: BODY})
    restart(context_with(client, tmp_path), ["mall-v1"], wait=True, timeout=1)
    ((ref, change),) = client.patched
    assert ref == MALL
    assert list(change["spec"]["template"]["metadata"]["annotations"]) == [RESTARTED_AT]
    assert capsys.readouterr().out == "deployment.apps/mall-v1 restarted\n"


def test_nothing_restarts_when_one_of_them_is_missing_or_cannot(tmp_path: Path) -> None:
    client = FakeClient({MALL: BODY})
    with pytest.raises(Failure, match="not found"):
        restart(context_with(client, tmp_path), ["mall-v1", "nosuch"], wait=True, timeout=1)
    with pytest.raises(Failure, match=r"service/mall: only Deployments and StatefulSets"):
        restart(context_with(client, tmp_path), ["deploy/mall-v1", "service/mall"], wait=True, timeout=1)
    assert client.patched == []
