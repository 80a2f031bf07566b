"""A branch from its creation to its end, in a store alone: no process, no Envoy, a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.branches.controller import BranchController
from mesh.reconcile import work_queue
from mesh.reconcile.supervisor import Supervisor
from mesh.reconcile.writing import write_status
from mesh.resources.validation.manifest import validate
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.ref import Ref
from mesh.store import Delete, Put, Store
from tests.support.objects import body, branch, service
from tests.support.waiting import eventually

CREATED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
FOX = Ref("meshmall.dev", "Branch", "mesh", "fox")
FORK = Ref("apps", "Deployment", "mesh", "products-fox")


class Rig:
    """A controller, its store, and Envoy's acknowledgement in the test's hands."""

    def __init__(self) -> None:
        self.now = CREATED
        self.store = Store.open(None, now=lambda: CREATED.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.supervisor = Supervisor()
        self.awaited: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.controller = BranchController(
            self.store, self._acknowledged, lambda name: f"http://{name}/", supervisor=self.supervisor, now=self._now
        )

    def _now(self) -> datetime:
        return self.now

    async def _acknowledged(self, version: int) -> None:
        self.awaited.append(version)
        await self.gate.wait()

    def put(self, raw: Body) -> Ref:
        """Applies an object: its spec is replaced, its status stays."""
        valid = validate(raw, "mesh")
        stored = self.store.get(valid.ref)
        status = {"status": stored.body["status"]} if stored is not None and "status" in stored.body else {}
        self.store.commit([Put(valid.ref, {**valid.body, **status})])
        return valid.ref

    def status(self, ref: Ref = FOX) -> Body:
        stored = self.store.get(ref)
        return {} if stored is None else stored.body.get("status") or {}

    def condition(self, type_: str, ref: Ref = FOX) -> Body:
        return find_condition(self.status(ref).get("conditions"), type_) or {}

    def fork_becomes_available(self, replicas: int = 1) -> None:
        stored = self.store.get(FORK)
        assert stored is not None
        generation = stored.metadata["generation"]
        status = {"availableReplicas": replicas, "updatedReplicas": 1, "observedGeneration": generation}
        self.store.commit([Put(FORK, {**stored.body, "status": status})])

    def events(self, reason: str) -> list[Body]:
        return [stored.body for stored in self.store.list("", "Event") if stored.body["reason"] == reason]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    rig.put(service("products", app="products"))
    rig.put(gateway())
    ref = rig.put(baseline())
    write_status(rig.store, ref, {"availableReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1})
    await rig.controller.start()
    yield rig
    await rig.controller.stop()
    assert rig.supervisor.states == {}
    rig.store.close()


def gateway() -> Body:
    server = {"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": ["*"]}
    return body("Gateway", "shop", selector={"istio": "ingressgateway"}, servers=[server])


def baseline(image: str = "mall:1") -> Body:
    labels = {"app": "products", "version": "v1"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": image, "ports": [{"containerPort": 7000}]}]},
    }
    return body("Deployment", "products-v1", group="apps", selector={"matchLabels": labels}, template=template)


def fox(**spec: Any) -> Body:
    return branch("fox", services={"products": {"fork": {}}}, **spec)


async def test_a_branch_is_ready_once_its_fork_answers_and_envoy_has_acknowledged_it(rig: Rig) -> None:
    rig.gate.clear()
    rig.put(fox())
    await eventually(lambda: rig.store.get(FORK))
    await eventually(lambda: rig.condition("ServicesReady").get("status") == "False")
    assert rig.status()["phase"] == "Pending"
    assert rig.status()["url"] == "http://fox/"
    assert rig.awaited == []
    rig.fork_becomes_available()
    await eventually(lambda: rig.awaited)
    assert rig.condition("ServicesReady")["status"] == "True"
    assert rig.condition("Ready")["message"] == "Envoy has not acknowledged all of it yet"
    rig.gate.set()
    await eventually(lambda: rig.status()["phase"] == "Ready")
    assert rig.condition("Programmed")["reason"] == "Acknowledged"
    rig.fork_becomes_available(0)
    await eventually(lambda: rig.status()["phase"] == "Degraded")
    assert rig.condition("Programmed")["status"] == "False"
    before = len(rig.awaited)
    rig.fork_becomes_available()
    await eventually(lambda: rig.status()["phase"] == "Ready")
    assert len(rig.awaited) > before


async def test_a_branch_has_an_address_while_something_listens_as_a_gateway(rig: Rig) -> None:
    rig.put(fox())
    await eventually(lambda: rig.status().get("url") == "http://fox/")
    shop = Ref("networking.istio.io", "Gateway", "mesh", "shop")
    rig.store.commit([Delete(shop)])
    await eventually(lambda: "url" not in rig.status())
    rig.put(gateway())
    await eventually(lambda: rig.status().get("url") == "http://fox/")


async def test_an_acknowledgement_of_a_former_generation_does_not_make_the_branch_ready(rig: Rig) -> None:
    rig.gate.clear()
    rig.put(fox())
    await eventually(lambda: rig.store.get(FORK))
    rig.fork_becomes_available()
    await eventually(lambda: len(rig.awaited) == 1)
    rig.put(fox(expires="48h"))
    await eventually(lambda: rig.status()["observedGeneration"] == 2)
    rig.gate.set()
    await eventually(lambda: rig.status()["phase"] == "Ready")
    assert len(rig.awaited) == 2
    assert rig.awaited[1] > rig.awaited[0]


async def test_a_fork_follows_its_baseline_and_goes_with_the_branchs_wish_for_it(rig: Rig) -> None:
    rig.put(fox())
    await eventually(lambda: rig.store.get(FORK))
    rig.put(baseline("mall:2"))

    def image() -> Any:
        stored = rig.store.get(FORK)
        return stored and stored.body["spec"]["template"]["spec"]["containers"][0]["image"]

    await eventually(lambda: image() == "mall:2")
    rig.put(branch("fox", services={"products": {"version": "v1"}}))
    await eventually(lambda: rig.store.get(FORK) is None)


async def test_a_deployment_that_is_not_the_branchs_stays_and_the_status_says_what_to_do(rig: Rig) -> None:
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "c"}]}}
    rig.put(body("Deployment", "products-fox", group="apps", selector={"matchLabels": labels}, template=template))
    before = rig.store.get(FORK)
    rig.put(fox())
    await eventually(lambda: rig.condition("ServicesReady").get("status") == "False")
    assert "already exists but does not belong to the branch" in rig.condition("ServicesReady")["message"]
    assert rig.store.get(FORK) is before


async def test_the_end_is_announced_once_and_then_the_branch_goes_with_its_deployments(rig: Rig) -> None:
    rig.put(fox(expires="10h"))
    await eventually(lambda: rig.condition("Expiring").get("status") == "False")
    rig.now = CREATED + timedelta(hours=9, minutes=1)
    rig.put(service("unrelated", app="unrelated"))
    await eventually(lambda: rig.condition("Expiring").get("status") == "True")
    rig.put(service("unrelated", app="unrelated", port=7001))
    await eventually(lambda: rig.events("Expiring"))
    assert [event["count"] for event in rig.events("Expiring")] == [1]
    assert "the branch ends at 2026-01-01T22:00:00Z" in rig.events("Expiring")[0]["message"]
    rig.now = CREATED + timedelta(hours=10)
    rig.put(service("unrelated", app="unrelated"))
    await eventually(lambda: rig.store.get(FOX) is None)
    assert rig.store.get(FORK) is None
    assert "the branch ended at 2026-01-01T22:00:00Z" in rig.events("Expired")[0]["message"]


async def test_an_end_that_is_over_when_the_controller_starts_is_made_up_for() -> None:
    rig = Rig()
    rig.put(fox(expires="1h"))
    rig.now = CREATED + timedelta(days=1)
    await rig.controller.start()
    await eventually(lambda: rig.store.get(FOX) is None)
    await rig.controller.stop()
    rig.store.close()


async def test_a_branch_whose_reconcile_fails_is_named_and_tried_again_and_the_others_go_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(work_queue, "FIRST_RETRY", 0.01)
    failures = iter((True, True))
    preview = rig.controller._preview

    def failing(name: str) -> str:
        if name == "fox" and next(failures, False):
            raise RuntimeError("no address")
        return preview(name)

    monkeypatch.setattr(rig.controller, "_preview", failing)
    rig.put(fox())
    rig.put(branch("owl", services={"products": {"version": "v1"}}))
    owl = FOX._replace(name="owl")
    await eventually(lambda: rig.status(owl).get("phase") == "Ready")
    await eventually(lambda: rig.status().get("phase"))
    assert "Branch mesh/fox: trying again in 0.01 s" in caplog.text
    assert rig.supervisor.problems() == []


async def test_a_stored_status_that_does_not_decode_stops_nobody(rig: Rig) -> None:
    rig.put(branch("owl", services={"products": {"version": "v1"}}))
    owl = FOX._replace(name="owl")
    await eventually(lambda: rig.status(owl).get("phase") == "Ready")
    stored = rig.store.get(owl)
    assert stored is not None
    rig.store.commit([Put(owl, {**stored.body, "status": {"phase": 7}})])
    rig.put(fox())
    await eventually(lambda: rig.store.get(FORK))
    await eventually(lambda: list(rig.store.undecodable) == [owl])
    rig.store.commit([Delete(owl)])
    assert rig.store.undecodable == {}
