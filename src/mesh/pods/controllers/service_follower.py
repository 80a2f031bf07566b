"""What controllers of Services have in common: they follow one store, and look at a Service when an event concerns it.

Apart from `controller.Controller`, since a Service has several controllers, which have no order among them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from mesh.reconcile.follower import follow
from mesh.reconcile.supervisor import Supervisor
from mesh.reconcile.work_queue import WorkQueue
from mesh.resources.values.ref import SERVICE, Ref
from mesh.store import Event, Store


class ServiceFollower(ABC):
    """Follows one store in a supervised loop, named `loop`. Make it inside a running loop."""

    loop: ClassVar[str]

    def __init__(self, store: Store, supervisor: Supervisor | None = None) -> None:
        self._store = store
        self._supervisor = supervisor or Supervisor()
        self._queue: WorkQueue[Ref] = WorkQueue(self._reconcile)

    async def start(self) -> None:
        """Starts following; every Service is looked at once."""
        self._supervisor.start(self.loop, self._run)

    async def stop(self) -> None:
        """Stops following. Idempotent."""
        await self._supervisor.stop(self.loop)
        self._queue.close()

    @abstractmethod
    def _affected(self, event: Event) -> Iterable[Ref]:
        """The Services that an event concerns."""

    @abstractmethod
    def _reconcile(self, ref: Ref) -> None:
        """One look at one Service, which may be gone."""

    async def _run(self) -> None:
        await follow(self._store, relist=self._relist, take=self._take)

    def _relist(self) -> None:
        self._add(stored.ref for stored in self._store.list(*SERVICE))

    def _take(self, event: Event) -> None:
        self._add(self._affected(event))

    def _add(self, services: Iterable[Ref]) -> None:
        for ref in services:
            self._queue.add(ref)
