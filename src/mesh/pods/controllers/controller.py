"""What every controller of a kind has, so that `mesh.pods.manager` can run any number of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.reconcile.work_queue import WorkQueue
from mesh.resources.values.ref import GroupKind, Ref
from mesh.store import Event


class Controller(ABC):
    """Keeps the objects of one kind at what their specs ask for. Make it inside a running loop.

    An object is reconciled when it changes, when something that it controls changes, and when `affected` names it.
    """

    kind: ClassVar[GroupKind]

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.queue: WorkQueue[Ref] = WorkQueue(self.reconcile)

    @abstractmethod
    def reconcile(self, ref: Ref) -> None:
        """One look at one object, which may be gone."""

    def orphaned(self, uid: str) -> None:  # noqa: B027 - most kinds leave this to the garbage collector
        """What becomes of the objects that a removed one controlled."""

    def affected(self, event: Event) -> Iterable[Ref]:
        """Which objects depend on an event that is neither about them nor about what they control."""
        return ()


class WorkloadController(Controller):
    """A controller that creates pods for the node and records events about what it does."""

    def __init__(self, objects: Objects, events: Recorder, node_name: str) -> None:
        super().__init__(objects)
        self._events = events
        self._node_name = node_name
