"""Follows the store and keeps the machine's processes as it says: Deployments, ReplicaSets, pods."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mesh.pods.addresses import Block
from mesh.pods.census import Census
from mesh.pods.deployments import DeploymentController
from mesh.pods.events import Recorder
from mesh.pods.images import Images, NoImages
from mesh.pods.leftovers import Records
from mesh.pods.log_files import LogFiles
from mesh.pods.log_reader import LogReader
from mesh.pods.objects import Objects, controller
from mesh.pods.pod import PodRunner
from mesh.pods.replica_sets import ReplicaSetController
from mesh.pods.room import Room, Settled
from mesh.pods.settings import PodSettings
from mesh.resources.ref import Ref
from mesh.store import Event, Expired, Store


class PodManager:
    """Everything about pods, in one task that reads the store's events.

    `settled` is awaited before a pod's processes are told to end: see `mesh.pods.room.Settled`.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        block: Block,
        settled: Settled,
        images: Images | None = None,
        settings: PodSettings | None = None,
    ) -> None:
        self._store = store
        self._settings = settings or PodSettings()
        self._objects = Objects(store)
        events = Recorder(self._objects, self._settings.events_kept)
        self._files = LogFiles(home, self._settings.log_size)
        self._room = Room(
            home=home,
            settings=self._settings,
            objects=self._objects,
            events=events,
            logs=self._files,
            census=Census(home),
            records=Records(home),
            block=block,
            images=images or NoImages(),
            settled=settled,
        )
        self._deployments = DeploymentController(self._objects, events)
        self._replica_sets = ReplicaSetController(self._objects)
        self._runners: dict[str, PodRunner] = {}
        self._task: asyncio.Task[None] | None = None
        self.logs = LogReader(self._files)

    async def start(self) -> None:
        """Begins to follow the store; what it holds is started."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends all processes, in parallel and fast. The objects stay."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._deployments.queue.close()
        self._replica_sets.queue.close()
        runners = list(self._runners.values())
        grace = self._settings.stop_grace
        await asyncio.gather(*(runner.shut_down(grace) for runner in runners), return_exceptions=True)

    @property
    def count(self) -> int:
        """Pods that run, or are about to, or are ending."""
        return len(self._runners)

    async def _run(self) -> None:
        while True:
            version = self._objects.load()
            with suppress(Expired):
                async with self._store.watch(since=version) as watch:
                    self._look_at_all()
                    while events := await watch.batch():
                        for event in events:
                            self._take(event)
                    return

    def _look_at_all(self) -> None:
        """A first look, or one after events were missed: every object once, and what is gone meanwhile."""
        for stored in self._store.list("", "Pod"):
            self._pod(Event("ADDED", stored, stored.version))
        present = {stored.uid for stored in self._store.list("", "Pod")}
        for uid, runner in list(self._runners.items()):
            if uid not in present:
                runner.removed()
        for stored in self._store.list("apps", "ReplicaSet"):
            self._replica_sets.queue.add(stored.ref)
        for stored in self._store.list("apps", "Deployment"):
            self._deployments.queue.add(stored.ref)

    def _take(self, event: Event) -> None:
        ref = event.object.ref
        self._objects.take(event)
        match (ref.group, ref.kind):
            case ("", "Pod"):
                self._pod(event)
                self._wake_owner(event, self._replica_sets.queue.add)
            case ("apps", "ReplicaSet"):
                if event.type == "DELETED":
                    self._replica_sets.orphaned(event.object.uid)
                else:
                    self._replica_sets.queue.add(ref)
                self._wake_owner(event, self._deployments.queue.add)
            case ("apps", "Deployment"):
                if event.type == "DELETED":
                    self._deployments.orphaned(event.object.uid)
                else:
                    self._deployments.queue.add(ref)
            case ("", "ConfigMap" | "Secret"):
                self._room.configuration.ring()

    def _pod(self, event: Event) -> None:
        stored = event.object
        runner = self._runners.get(stored.uid)
        if event.type == "DELETED":
            if runner is not None:
                runner.removed()
            return
        if runner is None:
            runner = self._runners[stored.uid] = PodRunner(stored, self._room, self._gone)
        runner.marked(stored)

    def _gone(self, runner: PodRunner) -> None:
        self._runners.pop(runner.uid, None)

    def _wake_owner(self, event: Event, add: Callable[[Ref], None]) -> None:
        owner = controller(event.object.body)
        if owner is not None:
            group = str(owner["apiVersion"]).rpartition("/")[0]
            add(Ref(group, str(owner["kind"]), event.object.ref.namespace, str(owner["name"])))
