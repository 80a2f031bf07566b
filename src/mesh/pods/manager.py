"""Deployments as processes: watches the store, keeps one runner a pod, and tells the controllers what changed."""

import asyncio
import logging
import shutil
from pathlib import Path

from mesh.pods.addresses import Block
from mesh.pods.census import Census
from mesh.pods.deployments import DeploymentController
from mesh.pods.events import Recorder
from mesh.pods.images import Images, NoImages
from mesh.pods.leftovers import Records
from mesh.pods.log_files import LogFiles
from mesh.pods.log_reader import LogReader
from mesh.pods.objects import Body, Objects, controller
from mesh.pods.pod import PodRunner
from mesh.pods.replica_sets import ReplicaSetController
from mesh.pods.room import Room, Settled
from mesh.pods.settings import PodSettings
from mesh.resources.ref import Ref
from mesh.store import Event, Expired, Store, Stored, Watch

_LOG = logging.getLogger(__name__)


class PodManager:
    """Runs all pods of a mesh. `logs` reads what their containers write.

    `settled(version)` returns when Envoy has acknowledged the store's version: a pod's processes are ended only
    after the others have stopped calling it. What a daemon that was killed has left must have been reaped before
    (`mesh.pods.leftovers.reap_leftovers`).
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
        self._settings = settings or PodSettings()
        self._store = store
        self._objects = Objects(store)
        self._block = block
        self._home = home.absolute()
        files = LogFiles(self._home, self._settings.log_size)
        self.logs = LogReader(files)
        self._room = Room(
            home=self._home,
            settings=self._settings,
            objects=self._objects,
            events=Recorder(self._objects, self._settings.events_kept),
            logs=files,
            census=Census(self._home),
            records=Records(self._home),
            block=block,
            images=images or NoImages(),
            settled=settled,
        )
        self._runners: dict[str, PodRunner] = {}
        self._task: asyncio.Task[None] | None = None
        self._seen = 0

    async def start(self) -> None:
        """Brings to life what the store says, and follows it from here on."""
        self._room.logs.remove_all()
        shutil.rmtree(self._home / "pods", ignore_errors=True)
        self._renumber_services()
        self._replica_sets = ReplicaSetController(self._objects)
        self._deployments = DeploymentController(self._objects, self._room.events)
        self._task = asyncio.create_task(self._follow(self._relisted()))

    async def stop(self, grace: float | None = None) -> None:
        """Ends all pods at once, without waiting for Envoy: SIGTERM, and SIGKILL after `grace` seconds.

        `grace` is the settings' `stop_grace` when not given; a pod whose own grace is shorter has that one.
        """
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        self._replica_sets.queue.close()
        self._deployments.queue.close()
        limit = self._settings.stop_grace if grace is None else grace
        await asyncio.gather(*(runner.shut_down(limit) for runner in list(self._runners.values())))
        self._runners.clear()

    async def idle(self) -> None:
        """Returns when everything that is in the store now has been taken in and acted upon by the controllers.

        Processes may still be starting or ending: their pods' status says so.
        """
        while self._seen < self._store.version or not (self._replica_sets.queue.idle and self._deployments.queue.idle):
            await asyncio.sleep(0)

    async def _follow(self, watch: Watch) -> None:
        while True:
            try:
                async with watch:
                    async for event in watch:
                        self._take(event)
                return
            except Expired:
                _LOG.warning("pods: fell behind the store; everything is looked at again")
                watch = self._relisted()

    def _relisted(self) -> Watch:
        """Looks at all objects there are, and begins to watch from there."""
        watch = self._store.watch()
        self._seen = self._store.version
        for group, kind in (("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")):
            for stored in self._store.list(group, kind):
                self._look(stored)
        living = {stored.uid for stored in self._store.list("", "Pod")}
        for uid, runner in list(self._runners.items()):
            if uid not in living:
                runner.removed()
        return watch

    def _take(self, event: Event) -> None:
        self._seen = event.version
        if event.type == "DELETED":
            self._lost(event.object)
        else:
            self._look(event.object)

    def _look(self, stored: Stored) -> None:
        kind = stored.ref.kind
        if kind == "Pod":
            self._look_at_pod(stored)
            self._tell_owner(stored.ref, stored.body)
        elif kind == "ReplicaSet":
            self._replica_sets.queue.add(stored.ref)
            self._tell_owner(stored.ref, stored.body)
        elif kind == "Deployment":
            self._deployments.queue.add(stored.ref)
        elif kind in ("ConfigMap", "Secret"):
            self._room.configuration.ring()

    def _lost(self, stored: Stored) -> None:
        kind = stored.ref.kind
        if kind == "Pod":
            runner = self._runners.get(stored.uid)
            if runner is not None:
                runner.removed()
            self._tell_owner(stored.ref, stored.body)
        elif kind == "ReplicaSet":
            self._replica_sets.orphaned(stored.uid)
            self._tell_owner(stored.ref, stored.body)
        elif kind == "Deployment":
            self._deployments.orphaned(stored.uid)

    def _look_at_pod(self, stored: Stored) -> None:
        runner = self._runners.get(stored.uid)
        current = self._store.get(stored.ref)
        if runner is not None:
            runner.marked(stored)
        elif current is not None and current.uid == stored.uid:
            if stored.body["metadata"].get("deletionTimestamp"):
                self._objects.delete(stored.ref)
            else:
                self._runners[stored.uid] = PodRunner(stored, self._room, self._gone)

    def _gone(self, runner: PodRunner) -> None:
        self._runners.pop(runner.uid, None)

    def _tell_owner(self, ref: Ref, body: Body) -> None:
        owner = controller(body)
        if owner is None:
            return
        if owner["kind"] == "ReplicaSet":
            found = Ref("apps", "ReplicaSet", ref.namespace, owner["name"])
            self._replica_sets.queue.add(found)
            replica_set = self._store.get(found)
            if replica_set is not None:
                self._tell_owner(found, replica_set.body)
        elif owner["kind"] == "Deployment":
            self._deployments.queue.add(Ref("apps", "Deployment", ref.namespace, owner["name"]))

    def _renumber_services(self) -> None:
        """Gives the Services addresses of this daemon's block, when the block is not the one they were stored with."""
        services = self._store.list("", "Service")
        taken = {str(s.body["spec"].get("clusterIP", "")) for s in services}
        for stored in services:
            address = str(stored.body["spec"].get("clusterIP", ""))
            if not address or address == "None" or address in self._block:
                continue
            fresh = self._block.service_ip(taken)
            taken.add(fresh)

            def give(body: Body, fresh: str = fresh) -> None:
                body["spec"].update(clusterIP=fresh, clusterIPs=[fresh])

            self._objects.update(stored.ref, give)
