"""Deployments with real processes: scale, roll, roll back, recreate, remove."""

from typing import Any

import pytest

from mesh.pods.manager import PodManager
from mesh.pods.runtime.loopback import LoopbackRuntime
from mesh.resources.values.ref import Ref
from tests.support.yard import FAST, Yard, deployment, shell

SLEEP = ("sleep", "60")


async def at_once(version: int) -> None:
    """An Envoy that has always acknowledged."""


def status(yard: Yard, ref: Ref) -> dict[str, Any]:
    found: dict[str, Any] = (yard.get(ref) or {}).get("status") or {}
    return found


def rolled(yard: Yard, ref: Ref, replicas: int) -> bool:
    """What `kubectl rollout status` waits for."""
    body, now = yard.get(ref), status(yard, ref)
    assert body is not None
    counts = {now.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")}
    return counts == {replicas} and now["observedGeneration"] == body["metadata"]["generation"]


def reason(yard: Yard, ref: Ref, kind: str) -> str:
    return next((c["reason"] for c in status(yard, ref).get("conditions", []) if c["type"] == kind), "")


def set_command(body: dict[str, Any], *command: str) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["command"] = list(command)


def sets(yard: Yard) -> list[Any]:
    return yard.store.list("apps", "ReplicaSet", "mesh")


async def test_a_deployment_has_its_pods_and_says_so(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 3, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 3))
    assert (reason(yard, ref, "Available"), reason(yard, ref, "Progressing")) == (
        "MinimumReplicasAvailable",
        "NewReplicaSetAvailable",
    )
    (replica_set,) = sets(yard)
    label = replica_set.body["metadata"]["labels"]["pod-template-hash"]
    assert replica_set.ref.name == f"shop-{label}"
    assert all(p.ref.name.startswith(f"shop-{label}-") for p in yard.pods())
    assert all(p.body["metadata"]["labels"]["pod-template-hash"] == label for p in yard.pods())
    assert len({p.body["status"]["podIP"] for p in yard.pods()}) == 3


async def test_scaling_down_and_up_follows_the_number(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 1))
    for number in (4, 0, 2):
        yard.change(ref, lambda body, number=number: body["spec"].update(replicas=number))  # type: ignore[misc]
        await yard.until(lambda number=number: rolled(yard, ref, number) and len(yard.pods()) == number)  # type: ignore[misc]
    assert len(sets(yard)) == 1


async def test_a_rolling_update_never_has_fewer_available_pods_than_promised(yard: Yard) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 60}
    ref = yard.put(deployment("shop", 3, *SLEEP, readinessProbe=probe))
    await yard.until(lambda: rolled(yard, ref, 3))
    watch = yard.store.watch("", "Pod")
    yard.change(ref, lambda body: set_command(body, "sleep", "61"))
    await yard.until(lambda: rolled(yard, ref, 3) and len(yard.pods()) == 3)
    ready = {p.body["metadata"]["uid"] for p in yard.pods()}  # only to see that all are new
    seen: dict[str, bool] = {}
    lowest, highest = 99, 0
    before = 3
    old: set[str] = set()
    async with watch:
        for event in await watch.batch():
            uid = event.object.uid
            if uid not in ready and uid not in seen:
                old.add(uid)
            conditions = event.object.body.get("status", {}).get("conditions", [])
            good = event.type != "DELETED" and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
            seen[uid] = good
            available = before - len(old) + sum(seen.values())
            lowest, highest = min(lowest, available), max(highest, available)
    assert (lowest, highest) == (3, 4)
    assert len(old) == 3


async def test_a_version_that_never_gets_ready_leaves_the_old_one_at_work(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 2, *SLEEP, spec={"progressDeadlineSeconds": 1}))
    await yard.until(lambda: rolled(yard, ref, 2))
    yard.change(ref, lambda body: set_command(body, "no-such-program"))
    await yard.until(lambda: reason(yard, ref, "Progressing") == "ProgressDeadlineExceeded")
    assert status(yard, ref).get("availableReplicas") == 2
    assert reason(yard, ref, "Available") == "MinimumReplicasAvailable"


async def test_going_back_to_an_earlier_template_takes_its_replica_set_up_again(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 1))
    (first,) = sets(yard)
    yard.change(ref, lambda body: set_command(body, "sleep", "61"))
    await yard.until(lambda: rolled(yard, ref, 1) and len(yard.pods()) == 1)
    yard.change(ref, lambda body: set_command(body, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 1) and len(yard.pods()) == 1)
    assert yard.pods()[0].ref.name.startswith(first.ref.name)
    assert len(sets(yard)) == 2
    body = yard.get(ref)
    assert body is not None
    assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_of_old_replica_sets_only_the_history_limit_is_kept(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP, spec={"revisionHistoryLimit": 1}))
    await yard.until(lambda: rolled(yard, ref, 1))
    for seconds in ("61", "62", "63"):
        yard.change(ref, lambda body, seconds=seconds: set_command(body, "sleep", seconds))  # type: ignore[misc]
        await yard.until(lambda: rolled(yard, ref, 1) and len(yard.pods()) == 1)
    await yard.until(lambda: len(sets(yard)) == 2)


async def test_recreate_starts_the_new_only_when_the_old_are_gone(yard: Yard) -> None:
    script = "trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.02; done"
    ref = yard.put(deployment("shop", 2, *shell(script), spec={"strategy": {"type": "Recreate"}}))
    await yard.until(lambda: rolled(yard, ref, 2))
    old = {p.uid for p in yard.pods()}
    yard.change(ref, lambda body: set_command(body, *SLEEP))
    mixed = False

    def replaced() -> bool:
        nonlocal mixed
        present = {p.uid for p in yard.pods()}
        running = {p.uid for p in yard.pods() if yard.phase(p.ref) in ("Pending", "Running")}
        mixed = mixed or bool(running & old and present - old)
        return rolled(yard, ref, 2) and not present & old

    await yard.until(replaced)
    assert not mixed


async def test_a_paused_deployment_does_not_roll_but_scales(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 1))

    def pause(body: dict[str, Any]) -> None:
        body["spec"].update(paused=True, replicas=2)
        set_command(body, "sleep", "61")

    yard.change(ref, pause)
    await yard.until(lambda: len(yard.pods()) == 2)
    await yard.manager.idle()
    assert len(sets(yard)) == 1
    yard.change(ref, lambda body: body["spec"].pop("paused"))
    await yard.until(lambda: rolled(yard, ref, 2) and len(yard.pods()) == 2)
    assert len(sets(yard)) == 2


async def test_min_ready_seconds_delay_availability(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP, spec={"minReadySeconds": 2}))
    await yard.until(lambda: status(yard, ref).get("readyReplicas") == 1)
    assert status(yard, ref).get("availableReplicas", 0) == 0
    await yard.until(lambda: status(yard, ref).get("availableReplicas") == 1)


async def test_a_pod_that_is_deleted_is_replaced(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 1))
    (first,) = yard.pods()
    yard.end(first.ref, 1)
    await yard.until(lambda: [p.uid for p in yard.pods()] not in ([first.uid], []) and rolled(yard, ref, 1))


async def test_a_deployment_that_is_deleted_takes_everything_with_it(yard: Yard) -> None:
    ref = yard.put(deployment("shop", 2, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 2))
    yard.delete(ref)
    await yard.until(lambda: not sets(yard) and not yard.pods())


async def test_services_of_another_block_get_an_address_of_this_one(yard: Yard) -> None:
    spec = {"clusterIP": "127.1.200.1", "clusterIPs": ["127.1.200.1"], "ports": [{"port": 80}]}
    ref = yard.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": spec})
    await yard.manager.stop()
    again = PodManager(
        yard.store, yard.home, LoopbackRuntime(yard.home, yard.block), yard.block, at_once, settings=FAST
    )
    await again.start()
    await again.stop()
    body = yard.get(ref)
    assert body is not None
    assert body["spec"]["clusterIP"] != "127.1.200.1"
    assert body["spec"]["clusterIPs"] == [body["spec"]["clusterIP"]]


@pytest.mark.parametrize("value", ["x", "", "-3", "1e3", "٣", "9" * 5000, "3.5", " 4"])
async def test_any_value_of_the_annotations_that_deployments_use_is_survived(yard: Yard, value: str) -> None:
    ref = yard.put(deployment("shop", 1, *SLEEP))
    await yard.until(lambda: rolled(yard, ref, 1))
    names = [f"deployment.kubernetes.io/{name}" for name in ("revision", "desired-replicas", "max-replicas")]
    for target in (ref, sets(yard)[0].ref):
        yard.change(target, lambda body: body["metadata"].update(annotations=dict.fromkeys(names, value)))
    yard.change(ref, lambda body: body["spec"].update(replicas=2))
    await yard.until(lambda: rolled(yard, ref, 2))
    yard.change(ref, lambda body: set_command(body, "sleep", "61"))
    await yard.until(lambda: rolled(yard, ref, 2) and len(yard.pods()) == 2)
