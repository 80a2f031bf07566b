"""Waiting for Deployments: when one is ready, why it is not, and whose pods are still there."""

from typing import Any, cast

import pytest

from mesh.client.api import Client
from mesh.client.rollout import NotReady, owners_of_pods, rolled_out, wait_gone, wait_ready
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref


class Objects:
    """A client that has these objects; each `list` of pods takes the next of `pods`, the last one stays."""

    def __init__(self, *objects: Body, pods: tuple[list[Body], ...] = ([],)) -> None:
        self._objects = objects
        self._pods = list(pods)

    def get(self, ref: Ref) -> Body:
        return next(body for body in self._objects if body["metadata"]["name"] == ref.name)

    def list(self, group: str, kind: str, namespace: str | None, *, selector: str = "") -> list[Body]:
        if kind == "Pod":
            return self._pods.pop(0) if len(self._pods) > 1 else self._pods[0]
        return [body for body in self._objects if body["kind"] == kind and body["metadata"]["namespace"] == namespace]


def client(*objects: Body, pods: tuple[list[Body], ...] = ([],)) -> Client:
    return cast("Client", Objects(*objects, pods=pods))


def deployment(name: str, **status: int) -> Body:
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}}
    metadata = {"name": name, "namespace": "mesh", "generation": 3}
    return {"kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def owned(kind: str, name: str, uid: str, owner_kind: str, owner: str, owner_uid: str = "", **more: Any) -> Body:
    references = [{"kind": owner_kind, "name": owner, "uid": owner_uid}]
    metadata = {"name": name, "namespace": "mesh", "uid": uid, "ownerReferences": references}
    return {"kind": kind, "metadata": metadata, **more}


READY = {"observedGeneration": 3, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}
MALL = Ref("apps", "Deployment", "mesh", "mall")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"observedGeneration": 2}, False),
        ({"updatedReplicas": 1}, False),
        ({"availableReplicas": 1}, False),
        ({"replicas": 3}, False),
    ],
)
def test_a_deployment_has_rolled_out_when_all_its_replicas_are_new_and_available_and_no_old_one_is_left(
    change: dict[str, int], expected: bool
) -> None:
    assert rolled_out(deployment("mall", **{**READY, **change})) is expected


def stateful_set(strategy: dict[str, Any], **status: Any) -> Body:
    body = deployment("db", observedGeneration=3, **status)
    return {**body, "kind": "StatefulSet", "spec": {**body["spec"], "updateStrategy": strategy}}


@pytest.mark.parametrize(
    ("strategy", "status", "expected"),
    [
        ({"type": "RollingUpdate"}, {"readyReplicas": 2, "updatedReplicas": 2}, True),
        ({"type": "RollingUpdate"}, {"readyReplicas": 2, "updatedReplicas": 1}, False),
        ({"type": "RollingUpdate"}, {"readyReplicas": 1, "updatedReplicas": 2}, False),
        (
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
            {"readyReplicas": 2, "updatedReplicas": 1},
            True,
        ),
        ({"type": "OnDelete"}, {"readyReplicas": 2}, True),
    ],
)
def test_a_stateful_set_has_rolled_out_down_to_its_partition(
    strategy: dict[str, Any], status: dict[str, int], expected: bool
) -> None:
    assert rolled_out(stateful_set(strategy, **status)) is expected


def test_a_daemon_set_has_rolled_out_when_its_pod_is_new_and_available() -> None:
    status = {"observedGeneration": 3, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1}
    body = {**deployment("agent"), "kind": "DaemonSet"}
    assert not rolled_out({**body, "status": status})
    assert rolled_out({**body, "status": {**status, "numberAvailable": 1}})
    assert not rolled_out({**body, "status": {"observedGeneration": 3}})


def test_a_container_that_cannot_start_ends_the_wait_at_once_with_its_reason() -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "exit code 3"}
    state = [{"name": "main", "state": {"waiting": waiting}}]
    pod = owned("Pod", "mall-1-a", "p1", "ReplicaSet", "mall-1", status={"containerStatuses": state})
    with pytest.raises(NotReady, match=r"pod mall-1-a, container main: CrashLoopBackOff: exit code 3"):
        wait_ready(client(deployment("mall"), pods=([pod],)), [MALL], timeout=600)


def test_what_is_not_ready_in_time_is_named() -> None:
    with pytest.raises(NotReady, match="not ready within 0 s: Deployment mesh/mall"):
        wait_ready(client(deployment("mall")), [MALL], timeout=0)
    assert wait_ready(client(deployment("mall", **READY)), [MALL], timeout=0) == 2


def test_replica_sets_belong_to_their_owner_whatever_their_names() -> None:
    mine = owned("ReplicaSet", "mall-1", "r1", "Deployment", "mall")
    others = owned("ReplicaSet", "mall-v2-1", "r2", "Deployment", "mall-v2")
    assert owners_of_pods(client(mine, others), [MALL]) == {"r1": "mesh"}


def test_pods_are_gone_when_none_of_these_replica_sets_is_left_and_those_of_others_do_not_count() -> None:
    mine = owned("Pod", "mall-1-a", "p1", "ReplicaSet", "mall-1", "r1")
    others = owned("Pod", "mall-v2-1-a", "p2", "ReplicaSet", "mall-v2-1", "r2")
    assert wait_gone(client(pods=([mine, others], [others])), {"r1": "mesh"}, timeout=600) == []
    assert wait_gone(client(pods=([mine, others],)), {"r1": "mesh"}, timeout=0) == ["mall-1-a"]
    assert wait_gone(client(), {}, timeout=0) == []
