"""The ring: bounded, with readers that keep their place."""

from mesh.observe.hops import Ring
from tests.support.hops import MakeHop


def test_the_ring_is_bounded_and_its_readers_keep_their_place(hop: MakeHop) -> None:
    ring = Ring(3)
    for number in range(5):
        ring.add(hop("", "mall", float(number)))
    assert [item.start for item in ring.since(3)] == [3.0, 4.0]
    assert [item.start for item in ring.since(0)] == [2.0, 3.0, 4.0]
    assert ring.since(5) == []
