"""The programmer's loop with a data plane that the test answers for: no Envoy, no process."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import pytest

from mesh.control import programmer
from mesh.control.programmer import Programmer
from mesh.envoy.branch_files import CannotWrite
from mesh.envoy.data_plane import DataPlane, Refused
from mesh.envoy.xds.resources import Kind
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.ref import Ref
from mesh.routing.compile import compile as compile_world
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.world import MeshSettings, World
from mesh.store import Change, Put, Store, Stored, StoreError
from tests.support.objects import ref_of, rule, service, to
from tests.support.waiting import eventually

Refuse = Callable[[Snapshot], Refused]


class Plane:
    """Answers for Envoy: takes everything, unless `refuse` says otherwise."""

    def __init__(self) -> None:
        self.refuse: Refuse = lambda _snapshot: {}
        self.snapshots: list[Snapshot] = []

    async def apply(self, snapshot: Snapshot, *, stop_at_refusal: bool = True) -> Refused:
        self.snapshots.append(snapshot)
        return self.refuse(snapshot)

    async def offer_listeners_again(self) -> Refused:
        return self.refuse(self.snapshots[-1])


class Rig:
    def __init__(self) -> None:
        self.store = Store.open(None)
        self.plane = Plane()
        self.supervisor = Supervisor()
        self.refusals: list[str] = []
        self.programmer = Programmer(
            self.store, cast(DataPlane, self.plane), MeshSettings(), self._on_refusal, self.supervisor
        )

    def _on_refusal(self, stored: Stored, reason: str) -> None:
        self.refusals.append(f"{stored.ref}: {reason}")

    def put(self, *bodies: Body) -> None:
        self.store.commit([Put(ref_of(body), body) for body in bodies])

    async def acknowledged(self) -> None:
        await self.programmer.acknowledged(self.store.version, 20)

    def condition(self, name: str, type_: str = "Programmed") -> Body:
        stored = self.store.get(Ref("networking.istio.io", "VirtualService", "mesh", name))
        status = stored.body.get("status") or {} if stored is not None else {}
        return find_condition(status.get("conditions"), type_) or {}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.programmer.start()
    yield rig
    await rig.programmer.stop()
    rig.store.close()


def refusing(*hosts: str) -> Refuse:
    """Refuses every table with a rule that sends to one of these hosts' clusters."""

    def refuse(snapshot: Snapshot) -> Mapping[tuple[Kind, str], str]:
        return {
            (Kind.ROUTES, name): "invalid regex"
            for name, table in snapshot.tables.items()
            if any(ref.name in hosts for host in table.hosts for ref in host.origins)
        }

    return refuse


async def test_what_envoy_takes_is_programmed_and_a_status_causes_no_new_compilation(rig: Rig) -> None:
    rig.put(service("products"), rule("products", "products", to("products")))
    await rig.acknowledged()
    assert rig.condition("products")["status"] == "True"
    assert rig.condition("products", "ResolvedRefs")["status"] == "True"
    await rig.acknowledged()
    applied = len(rig.plane.snapshots)
    rig.put(Body({**rule("products", "products", to("products")), "status": {"note": "x"}}))
    await rig.acknowledged()
    assert len(rig.plane.snapshots) == applied


async def test_only_the_object_to_blame_is_set_aside_and_it_comes_back_when_it_changes(rig: Rig) -> None:
    rig.put(service("products"), service("stock"))
    await rig.acknowledged()
    rig.plane.refuse = refusing("bad")
    rig.put(rule("bad", "products", to("products")), rule("good", "stock", to("stock")))
    await rig.acknowledged()
    (rejected,) = rig.programmer.rejected()
    assert (rejected.resource, rejected.reason) == ("VirtualService mesh/bad", "invalid regex")
    assert rig.condition("bad")["message"] == "Envoy refused it: invalid regex"
    assert rig.condition("good")["status"] == "True"
    assert rig.refusals == ["VirtualService mesh/bad: invalid regex"]
    rig.plane.refuse = refusing()
    rig.put(rule("bad", "products", to("products"), to("products")))
    await rig.acknowledged()
    assert rig.programmer.rejected() == ()
    assert rig.condition("bad")["status"] == "True"


async def test_a_full_disk_keeps_statuses_back_and_nothing_else(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programmer, "FIRST_PAUSE", 0.01)
    rig.put(service("products"))
    await rig.acknowledged()
    commit = rig.store.commit
    is_full = True

    def commit_if_there_is_room(changes: list[Change]) -> list[Stored]:
        if is_full:
            raise StoreError("cannot write the store: disk I/O error")
        return commit(changes)

    rig.put(rule("products", "products", to("products")))
    monkeypatch.setattr(rig.store, "commit", commit_if_there_is_room)
    await rig.acknowledged()
    assert rig.programmer.problems() == ["statuses cannot be written: cannot write the store: disk I/O error"]
    assert rig.condition("products") == {}
    assert rig.supervisor.problems() == []
    is_full = False
    await eventually(lambda: rig.condition("products").get("status") == "True")
    assert rig.programmer.problems() == []


async def test_a_mistake_in_the_compiler_leaves_what_is_in_force_and_the_next_change_is_taken(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.put(service("products"))
    await rig.acknowledged()
    good = rig.plane.snapshots[-1]

    def failing(world: Any, *rest: Any) -> Snapshot:
        if any(rule.metadata.name == "odd" for rule in world.virtual_services):
            raise KeyError("a case nobody thought of")
        return compile_world(world, *rest)

    monkeypatch.setattr("mesh.control.bring_up.compile", failing)
    rig.put(rule("odd", "products", to("products")))
    await rig.acknowledged()
    assert [rejected.resource for rejected in rig.programmer.rejected()] == ["VirtualService mesh/odd"]
    assert set(rig.plane.snapshots[-1].clusters) == set(good.clusters)
    rig.put(service("stock"), rule("stock", "stock", to("stock")))
    await rig.acknowledged()
    assert rig.condition("stock")["status"] == "True"


async def test_a_loop_that_dies_is_restarted_and_catches_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.acknowledged()
    world_of = World.of
    failures = iter((True,))

    def failing(*arguments: Any) -> Any:
        if next(failures, False):
            raise RuntimeError("out of memory")
        return world_of(*arguments)

    monkeypatch.setattr(World, "of", failing)
    rig.put(service("products"), rule("products", "products", to("products")))
    await rig.acknowledged()
    assert rig.condition("products")["status"] == "True"
    assert rig.supervisor.states["programmer"].restarts == 1
    assert rig.supervisor.states["programmer"].reason == "RuntimeError: out of memory"


async def test_a_change_that_found_no_room_is_brought_once_there_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programmer, "FIRST_PAUSE", 0.01)
    full = True

    def refuse(_snapshot: Snapshot) -> Refused:
        if full:
            raise CannotWrite("name/fox: No space left on device")
        return {}

    rig.plane.refuse = refuse
    rig.put(service("products"), rule("products", "products", to("products")))
    await rig.acknowledged()
    # It is nobody's fault, and no object is set aside for it.
    (rejected,) = rig.programmer.rejected()
    assert "No space left" in rejected.reason
    assert rejected.origins == ()
    full = False
    await eventually(lambda: not rig.programmer.rejected())
