"""Brings Envoy to one world, and finds out which objects are to blame for what Envoy refuses.

Envoy refuses a cluster or a route table as a whole and names a proto field at best. Each of them is made of several
objects, so blame is found by elimination:

1. Suspects are the changed objects that a refused resource was made of: what did not change was good before.
2. All suspects are set aside at once, and the rest is offered again, until Envoy refuses nothing more.
3. Of several suspects, most are innocent. Each is offered alone, and stays when Envoy takes it.

While this goes on, Envoy is never sent a step that follows a refused one (`stop_at_refusal`), so that the last good
configuration stays complete.
"""

import logging
from collections.abc import Mapping

from mesh.control.in_force import InForce, Objects
from mesh.envoy.branch_files import CannotWrite
from mesh.envoy.data_plane import DataPlane, Refused
from mesh.envoy.xds.resources import Kind
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.memory import Memory
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.world import MeshSettings, World

log = logging.getLogger(__name__)


class CannotBuild(Exception):
    """A world could not be compiled, encoded or sent: a mistake of this program, never of a user.

    `passes`: it is none of this program either, and trying again later may help.
    """

    def __init__(self, message: str, *, passes: bool = False) -> None:
        super().__init__(message)
        self.passes = passes


class BringUp:
    """`snapshot` is what Envoy was brought to last, `in_force` says which states of objects it stands for."""

    def __init__(self, plane: DataPlane, settings: MeshSettings) -> None:
        self._plane = plane
        self._settings = settings
        self._memory = Memory()
        self.in_force = InForce()
        self.snapshot = Snapshot(0)

    async def bring(self, world: World) -> Refused:
        """Brings Envoy to the world, except for what it refuses; returns refusals that no object is to blame for.

        Raises CannotBuild; Envoy keeps what it has then.
        """
        objects = _objects(world)
        self.in_force.keep_unchanged(objects)
        suspected: dict[Ref, str] = {}
        while suspects := await self._attempt(world, objects):
            suspected |= suspects
            self.in_force.set_aside(objects, suspects)
        if len(suspected) > 1:
            await self._readmit(world, objects, suspected)
        try:
            refused = await self._plane.apply(self.snapshot, stop_at_refusal=False)
        except CannotWrite as error:
            raise CannotBuild(str(error), passes=True) from error
        except Exception as error:
            log.exception("the configuration could not be built")
            raise CannotBuild(f"it could not be built: {type(error).__name__}: {error}") from error
        self.in_force.confirm(objects)
        return refused

    async def _attempt(self, world: World, objects: Objects) -> Mapping[Ref, str]:
        """Applies the world without what is set aside.

        Returns the changed objects that can be to blame for what Envoy refuses, each with the reason; none when all is
        well or nobody can be blamed.
        """
        changed = self.in_force.changed(objects)
        try:
            self.snapshot = compile(self.in_force.applied_to(world), self._settings, self._memory)
            refused = await self._plane.apply(self.snapshot)
        except CannotWrite as error:
            # No object is to blame for a full disk.
            raise CannotBuild(str(error), passes=True) from error
        except Exception as error:
            # The object that this program cannot cope with is found in the same way as one that Envoy refuses.
            log.exception("the configuration could not be built")
            return dict.fromkeys(changed, f"{type(error).__name__}: {error}")
        suspects: dict[Ref, str] = {}
        for (kind, name), reason in refused.items():
            # A refused listener could not have its port: that concerns no other resource, and no rule is wrong.
            if kind is not Kind.LISTENER:
                for ref in origins(self.snapshot, kind, name):
                    if ref in changed:
                        suspects.setdefault(ref, reason)
        return suspects

    async def _readmit(self, world: World, objects: Objects, suspected: Mapping[Ref, str]) -> None:
        """Puts each suspect in force again that does no harm alone."""
        for ref, reason in suspected.items():
            self.in_force.readmit(ref)
            if suspects := await self._attempt(world, objects):
                self.in_force.set_aside(objects, {ref: suspects.get(ref, reason)})
        await self._attempt(world, objects)


def origins(snapshot: Snapshot, kind: Kind, name: str) -> tuple[Ref, ...]:
    """The objects that a cluster, a route table or a filter's configuration was made of."""
    if kind is Kind.ROUTES:
        table = snapshot.tables.get(name)
        hosts = table.hosts if table is not None else ()
        return tuple(dict.fromkeys(ref for host in hosts for ref in host.origins))
    if kind is Kind.EXTENSION:
        authentication = snapshot.authentications.get(name)
        return authentication.origins if authentication is not None else ()
    cluster = snapshot.clusters.get(name)
    return cluster.origins if cluster is not None else ()


def _objects(world: World) -> Objects:
    """The objects that Envoy can refuse."""
    return {ref_of(typed): typed for definition in REGISTRY.refusable_kinds() for typed in world.all(definition.type)}
