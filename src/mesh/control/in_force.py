"""Which state of each object is in force: the one that is stored, or, when Envoy refused it, the last good one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mesh.resources.values.meta import Resource
from mesh.resources.values.ref import Ref
from mesh.routing.world import World

Objects = Mapping[Ref, Resource]


@dataclass(frozen=True, slots=True)
class SetAside:
    """An object that is not in force: the state refused, the one in force instead (None: no state), and why."""

    refused: Resource
    last_good: Resource | None
    reason: str


class InForce:
    """Remembers the last good state of every object, and what is set aside."""

    def __init__(self) -> None:
        self._aside: dict[Ref, SetAside] = {}
        self._good: dict[Ref, Resource] = {}

    @property
    def reasons(self) -> Mapping[Ref, str]:
        """Why objects are set aside, sorted by object."""
        return {ref: aside.reason for ref, aside in sorted(self._aside.items())}

    def last_good(self) -> Iterator[Resource]:
        """All states that may be in force although the store has others."""
        yield from self._good.values()
        yield from (aside.last_good for aside in self._aside.values() if aside.last_good is not None)

    def keep_unchanged(self, objects: Objects) -> None:
        """Forgets what was set aside of objects that are gone or have a new state: that deserves a try of its own."""
        self._aside = {ref: aside for ref, aside in self._aside.items() if _same(aside.refused, objects.get(ref))}

    def changed(self, objects: Objects) -> frozenset[Ref]:
        """The objects that are not set aside and are not known to be good as they are: who can be to blame."""
        return frozenset(
            ref for ref, typed in objects.items() if ref not in self._aside and not _same(typed, self._good.get(ref))
        )

    def applied_to(self, world: World) -> World:
        """The world with the last good states in place of what is set aside."""
        for ref, aside in self._aside.items():
            world = world.replaced(ref, aside.last_good)
        return world

    def set_aside(self, objects: Objects, reasons: Mapping[Ref, str]) -> None:
        for ref, reason in reasons.items():
            self._aside[ref] = SetAside(objects[ref], self._good.get(ref), reason)

    def readmit(self, ref: Ref) -> None:
        """Puts the stored state in force again."""
        del self._aside[ref]

    def confirm(self, objects: Objects) -> None:
        """Envoy has everything that is in force: these are the last good states from now on."""
        self._good = {ref: typed for ref, typed in objects.items() if ref not in self._aside} | {
            ref: aside.last_good for ref, aside in self._aside.items() if aside.last_good is not None
        }


def _same(one: Resource, other: Resource | None) -> bool:
    """Whether two states of an object differ in nothing but their status.

    By generation, which the store raises with every other change, and by uid: a new object starts at generation 1.
    """
    return other is not None and (one.metadata.uid, one.metadata.generation) == (
        other.metadata.uid,
        other.metadata.generation,
    )
