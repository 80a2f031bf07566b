"""Pods that find a controller, and pods that leave theirs."""

from typing import Any

from mesh.pods.controllers.objects import controller
from mesh.resources.values.ref import REPLICA_SET, Ref
from tests.support.yard import Yard, deployment, pod, shell

FOREVER = shell("exec sleep 600")
SHOP = Ref(*REPLICA_SET, "mesh", "shop")


def replica_set(replicas: int) -> dict[str, Any]:
    return {**deployment("shop", replicas, *FOREVER), "kind": "ReplicaSet"}


def owners(yard: Yard) -> dict[str, str]:
    references = {stored.ref.name: controller(stored.body) for stored in yard.pods()}
    return {name: reference["name"] if reference else "" for name, reference in references.items()}


def ready(yard: Yard) -> int:
    return int(((yard.get(SHOP) or {}).get("status") or {}).get("readyReplicas", 0))


async def test_a_replica_set_without_a_deployment_has_its_pods(yard: Yard) -> None:
    yard.put(replica_set(2))
    await yard.until(lambda: ready(yard) == 2)
    assert list(owners(yard).values()) == ["shop", "shop"]


async def test_a_pod_that_the_selector_selects_is_adopted(yard: Yard) -> None:
    ref = yard.put(pod("shop", *FOREVER))
    await yard.until(lambda: yard.ready(ref))
    yard.put(replica_set(1))
    await yard.until(lambda: owners(yard) == {"shop": "shop"})
    yard.put(pod("late", *FOREVER) | {"metadata": {"name": "late", "namespace": "mesh", "labels": {"app": "shop"}}})
    await yard.until(lambda: len(yard.pods()) == 1)


async def test_a_pod_whose_labels_change_is_let_go_and_replaced(yard: Yard) -> None:
    yard.put(replica_set(1))
    await yard.until(lambda: ready(yard) == 1)
    (first,) = yard.pods()
    yard.change(first.ref, lambda body: body["metadata"].update(labels={"app": "examined"}))
    await yard.until(lambda: len(yard.pods()) == 2 and ready(yard) == 1)
    assert owners(yard)[first.ref.name] == ""
    assert yard.phase(first.ref) == "Running"


async def test_a_new_replica_set_takes_over_the_pods_of_one_that_left_them(yard: Yard) -> None:
    yard.put(replica_set(1))
    await yard.until(lambda: ready(yard) == 1)
    (first,) = yard.pods()
    yard.change(first.ref, lambda body: body["metadata"].pop("ownerReferences"))
    yard.delete(SHOP)
    await yard.manager.idle()
    yard.put(replica_set(1))
    await yard.until(lambda: owners(yard) == {first.ref.name: "shop"})
    assert yard.pods()[0].uid == first.uid
