"""Eviction: a deletion that a PodDisruptionBudget may refuse."""

from typing import Any

import pytest

from mesh.resources.values.ref import POD, POD_DISRUPTION_BUDGET, Ref
from mesh.store import Put
from tests.support.api import Answer, Api

PODS = "/api/v1/namespaces/mesh/pods"


def put_pod(api: Api, name: str, *, ready: bool = True, phase: str = "Running") -> None:
    condition = {"type": "Ready", "status": str(ready)}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "mesh", "labels": {"app": "shop"}},
        "spec": {"containers": [{"name": "main", "image": "shop"}]},
        "status": {"phase": phase, "conditions": [condition]},
    }
    api.store.commit([Put(Ref(*POD, "mesh", name), body)])


def put_budget(api: Api, name: str = "shop", **spec: Any) -> None:
    body = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {"selector": {"matchLabels": {"app": "shop"}}, **spec},
    }
    api.store.commit([Put(Ref(*POD_DISRUPTION_BUDGET, "mesh", name), body)])


async def evict(api: Api, pod: str, query: str = "", **more: Any) -> Answer:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "mesh"}, **more}
    return await api.ask("POST", f"{PODS}/{pod}/eviction{query}", body)


def is_ending(api: Api, pod: str) -> bool:
    stored = api.store.get(Ref(*POD, "mesh", pod))
    return stored is None or "deletionTimestamp" in stored.metadata


async def test_a_pod_without_a_budget_is_evicted(api: Api) -> None:
    put_pod(api, "a")
    answer = await evict(api, "a", deleteOptions={"gracePeriodSeconds": 7})
    assert (answer.code, answer.body["status"]) == (201, "Success")
    stored = api.store.get(Ref(*POD, "mesh", "a"))
    assert stored is not None
    assert stored.metadata["deletionGracePeriodSeconds"] == 7


async def test_a_budget_refuses_as_kubernetes_does(api: Api) -> None:
    put_pod(api, "a")
    put_pod(api, "b")
    put_budget(api, minAvailable=1)
    assert (await evict(api, "a")).code == 201
    refused = await evict(api, "b")
    assert (refused.code, refused.body["reason"]) == (429, "TooManyRequests")
    assert refused.body["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = refused.body["details"]["causes"]
    assert cause == {
        "reason": "DisruptionBudget",
        "message": "The disruption budget shop needs 1 healthy pods and has 1 currently",
    }
    assert not is_ending(api, "b")


@pytest.mark.parametrize("phase", ["Pending", "Succeeded"])
async def test_a_pod_that_serves_nobody_is_not_protected(api: Api, phase: str) -> None:
    put_pod(api, "a", ready=False, phase=phase)
    put_budget(api, minAvailable=1)
    assert (await evict(api, "a")).code == 201


async def test_a_pod_that_is_not_ready_goes_when_the_others_are_enough_or_the_policy_says_so(api: Api) -> None:
    put_pod(api, "a", ready=False)
    put_budget(api, minAvailable=1)
    assert (await evict(api, "a")).code == 429
    put_budget(api, minAvailable=1, unhealthyPodEvictionPolicy="AlwaysAllow")
    assert (await evict(api, "a")).code == 201
    put_pod(api, "b")
    put_pod(api, "c", ready=False)
    put_budget(api, minAvailable=1)
    assert (await evict(api, "c")).code == 201


async def test_two_budgets_of_one_pod_are_an_error(api: Api) -> None:
    put_pod(api, "a")
    put_budget(api, minAvailable=0)
    put_budget(api, "other", minAvailable=0)
    assert (await evict(api, "a")).code == 500


async def test_a_dry_run_evicts_nothing(api: Api) -> None:
    put_pod(api, "a")
    assert (await evict(api, "a", "?dryRun=All")).code == 201
    assert (await evict(api, "a", deleteOptions={"dryRun": ["All"]})).code == 201
    assert not is_ending(api, "a")


async def test_what_is_not_an_eviction_of_this_pod_is_refused(api: Api) -> None:
    put_pod(api, "a")
    assert (await evict(api, "b")).code == 404
    assert (await evict(api, "a", kind="Pod")).code == 400
    assert (await evict(api, "a", metadata={"name": "b"})).code == 400
    assert (await evict(api, "a", deleteOptions={"preconditions": {"uid": "another"}})).code == 409
