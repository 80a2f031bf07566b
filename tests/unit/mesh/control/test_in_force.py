"""What is set aside, what stays in force in its place, and when it gets another chance."""

from typing import Any

from mesh.control.in_force import InForce
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.world import World
from tests.support.objects import rule, to, with_fields
from tests.support.worlds import typed

PRODUCTS = Ref("networking.istio.io", "VirtualService", "mesh", "products")


def state(generation: int, uid: str = "u1", host: str = "products") -> Any:
    raw = with_fields(rule("products", host, to(host)), {"metadata.generation": generation, "metadata.uid": uid})
    return typed(raw)


def hosts(world: World) -> list[list[str]]:
    return [list(rule.spec.hosts) for rule in world.all(VirtualService)]


def test_the_last_good_state_stays_in_force_until_the_object_changes_again() -> None:
    good, bad, better = state(1, host="good"), state(2, host="bad"), state(3, host="better")
    in_force = InForce()
    assert in_force.changed({PRODUCTS: good}) == {PRODUCTS}
    in_force.confirm({PRODUCTS: good})
    assert in_force.changed({PRODUCTS: good}) == set()

    in_force.keep_unchanged({PRODUCTS: bad})
    assert in_force.changed({PRODUCTS: bad}) == {PRODUCTS}
    in_force.set_aside({PRODUCTS: bad}, {PRODUCTS: "no such regex"})
    assert in_force.reasons == {PRODUCTS: "no such regex"}
    assert in_force.changed({PRODUCTS: bad}) == set()
    assert hosts(in_force.applied_to(World.build(1, [bad]))) == [["good"]]
    in_force.confirm({PRODUCTS: bad})

    in_force.keep_unchanged({PRODUCTS: bad})
    assert in_force.reasons
    in_force.keep_unchanged({PRODUCTS: better})
    assert not in_force.reasons
    assert hosts(in_force.applied_to(World.build(1, [better]))) == [["better"]]


def test_an_object_without_a_good_state_is_left_out() -> None:
    bad = state(1)
    in_force = InForce()
    in_force.set_aside({PRODUCTS: bad}, {PRODUCTS: "no"})
    assert hosts(in_force.applied_to(World.build(1, [bad]))) == []
    in_force.confirm({PRODUCTS: bad})
    assert list(in_force.last_good()) == []


def test_a_new_object_of_an_old_name_is_judged_by_itself() -> None:
    in_force = InForce()
    in_force.confirm({PRODUCTS: state(1, uid="u1")})
    assert in_force.changed({PRODUCTS: state(1, uid="u2")}) == {PRODUCTS}
    assert ref_of(state(1)) == PRODUCTS
