"""Follows the store and keeps the machine's processes as it says: workloads, their pods, and what pods need."""

import asyncio
import logging
from pathlib import Path

from mesh.images.errors import ImageError
from mesh.pods.autoscaling.autoscalers import AutoscalerController
from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.daemon_sets import DaemonSetController
from mesh.pods.controllers.deployments import DeploymentController
from mesh.pods.controllers.disruption import DisruptionController
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.jobs.cron_jobs import CronJobController
from mesh.pods.controllers.jobs.jobs import JobController
from mesh.pods.controllers.objects import Objects
from mesh.pods.controllers.objects import controller as controller_of
from mesh.pods.controllers.replica_sets import ReplicaSetController, ReplicationControllerController
from mesh.pods.controllers.stateful_sets import StatefulSetController
from mesh.pods.dependencies import Access, PodDependencies, Settled
from mesh.pods.freezing.freezer import Freezer
from mesh.pods.image_programs import LocalImages
from mesh.pods.images.choice import NO_IMAGES, ImageSettings
from mesh.pods.images.pulling import ContainerImages
from mesh.pods.logs.log_files import LogFiles
from mesh.pods.logs.log_reader import LogReader
from mesh.pods.network.pools import AddressPool
from mesh.pods.pod import PodRunner
from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.interface import Runtime
from mesh.pods.startup import FINISHED, remove_leftovers, renumber_services, restart
from mesh.pods.storage.claims import ClaimController
from mesh.pods.storage.volumes import VolumeController, ensure_storage_class, remove_released
from mesh.pods.store_pods import StorePods
from mesh.pods.streams.pod_streams import ManagedStreams
from mesh.reconcile.follower import follow
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.values.ref import PERSISTENT_VOLUME_CLAIM, POD, GroupKind, Ref
from mesh.store import Event, Store

_LOG = logging.getLogger(__name__)

# The names of the loops.
PODS, IMAGES, PRUNING, AUTOSCALERS = "pods", "images", "pruning of images", "autoscalers"
# Kinds whose objects containers may wait for.
CONFIGURATION = frozenset({GroupKind("", "ConfigMap"), GroupKind("", "Secret"), PERSISTENT_VOLUME_CLAIM})


class PodManager:
    """Everything about pods, in one task that reads the store's events.

    `settled` is awaited before a pod's processes are ended: see `mesh.pods.dependencies.Settled`.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        runtime: Runtime,
        addresses: AddressPool,
        settled: Settled,
        settings: PodSettings | None = None,
        supervisor: Supervisor | None = None,
        access: Access = lambda _pod: {},
        image_settings: ImageSettings = NO_IMAGES,
    ) -> None:
        self._store = store
        self._images_unused = image_settings.unused_for
        self._supervisor = supervisor or Supervisor()
        self._addresses = addresses
        self._settings = settings or PodSettings()
        self._objects = Objects(store)
        events = Recorder(self._objects, self._settings.events_kept)
        self._images = LocalImages(store, home)
        self.images = ContainerImages(home, store, self._images, image_settings.mode, lambda: runtime.image_support)
        self._files = LogFiles(home, self._settings.log_size)
        self._dependencies = PodDependencies(
            home=home,
            settings=self._settings,
            objects=self._objects,
            events=events,
            logs=self._files,
            runtime=runtime,
            images=self._images,
            container_images=self.images,
            settled=settled,
            access=access,
        )
        claims = home / "claims"
        self._freezer = Freezer(home, self._dependencies.frozen)
        self._autoscalers = AutoscalerController(self._objects, events, self._settings.autoscale_every)
        controllers: tuple[Controller, ...] = (
            self._autoscalers,
            VolumeController(self._objects, claims),
            ClaimController(self._objects, events, claims),
            ReplicaSetController(self._objects, events, self._settings.node_name),
            DeploymentController(self._objects, events),
            StatefulSetController(self._objects, events, self._settings.node_name),
            DaemonSetController(self._objects, events, self._settings.node_name),
            DisruptionController(self._objects),
            ReplicationControllerController(self._objects, events, self._settings.node_name),
            JobController(self._objects, events, self._settings.node_name, self._settings.job_pauses),
            CronJobController(self._objects, events),
        )
        self._controllers = {controller.kind: controller for controller in controllers}
        self._runners: dict[str, PodRunner] = {}
        self._seen = 0
        self.logs = LogReader(self._files)
        self.streams = ManagedStreams(self._runners.get)
        self.stores = StorePods(home, self._runners.get, self._freezer)

    async def start(self) -> None:
        """Begins to follow the store, and starts what is in it.

        Pods that have outlived their daemon go on, and those that had ended stay as they are. Of the others, what they
        left is removed; see `mesh.pods.startup.restart` for what becomes of them.
        """
        pods = {stored.uid: stored for stored in self._store.list("", "Pod")}
        await self._freezer.recover()
        surviving = await self._dependencies.runtime.recover(pods.keys())
        remove_leftovers(self._dependencies.home, self._files, pods, surviving)
        for uid, stored in pods.items():
            if uid not in surviving:
                restart(self._objects, stored)
        renumber_services(self._store, self._objects, self._addresses)
        ensure_storage_class(self._store)
        await asyncio.to_thread(remove_released, self._dependencies.home / "claims")
        self._supervisor.start(PODS, self._run)
        self._supervisor.start(IMAGES, self._follow_images)
        self._supervisor.start(PRUNING, self._prune_images)
        self._supervisor.start(AUTOSCALERS, self._autoscalers.run)

    async def stop(self, grace: float | None = None) -> None:
        """Ends all processes, in parallel and without waiting for Envoy. The objects stay. Idempotent.

        SIGKILL comes `grace` seconds after SIGTERM (None: the settings' `stop_grace`), sooner for a pod with a
        shorter grace period.
        """
        await self._supervisor.stop(PODS, IMAGES, PRUNING, AUTOSCALERS)
        for controller in self._controllers.values():
            controller.queue.close()
        runners = list(self._runners.values())
        self._runners.clear()
        limit = self._settings.stop_grace if grace is None else grace
        await self.images.close()
        await asyncio.gather(*(runner.shut_down(limit) for runner in runners), return_exceptions=True)

    async def idle(self) -> None:
        """Returns when the controllers have acted on everything that is in the store now.

        Processes may still be starting or ending: the status of their pods says so.
        """
        queues = [controller.queue for controller in self._controllers.values()]
        while self._seen < self._store.version or not all(queue.idle for queue in queues):  # noqa: ASYNC110
            await asyncio.sleep(0)

    @property
    def count(self) -> int:
        """The number of pods that run, are starting or are ending."""
        return len(self._runners)

    def problems(self) -> list[str]:
        """What is wrong with the home's images.yaml, and which objects cannot be reconciled."""
        problem = self._images.problem()
        failing = [line for controller in self._controllers.values() for line in controller.queue.problems()]
        return [problem, *failing] if problem else failing

    async def _follow_images(self) -> None:
        """Wakes waiting containers when the home's images.yaml has changed; a changed ConfigMap comes as an event."""
        while True:
            await asyncio.sleep(self._settings.images_every)
            if self._images.changed():
                self._dependencies.configuration_changed.ring()

    async def _prune_images(self) -> None:
        """Removes images that nobody has used for long."""
        while True:
            await asyncio.sleep(self._settings.prune_every)
            try:
                await self.images.prune(self._images_unused)
            except ImageError as error:
                _LOG.warning("images were not pruned: %s", error)

    async def _run(self) -> None:
        await follow(self._store, relist=self._relist, take=self._take)

    def _relist(self) -> None:
        """Looks at every object once: at first, and after events were missed. Also finds what is gone meanwhile."""
        self._seen = self._objects.load()
        for stored in self._store.list("", "Pod"):
            self._pod(Event("ADDED", stored, stored.version))
        present = {stored.uid for stored in self._store.list("", "Pod")}
        for uid, runner in list(self._runners.items()):
            if uid not in present:
                runner.removed()
        for kind, controller in self._controllers.items():
            for stored in self._store.list(*kind):
                controller.queue.add(stored.ref)

    def _take(self, event: Event) -> None:
        ref = event.object.ref
        self._seen = event.version
        self._objects.take(event)
        if ref.group_kind == POD:
            self._pod(event)
        if ref.group_kind in CONFIGURATION:
            self._dependencies.configuration_changed.ring()
        if (own := self._controllers.get(ref.group_kind)) is not None:
            if event.type == "DELETED":
                own.orphaned(event.object.uid)
            else:
                own.queue.add(ref)
        self._wake_owner(event)
        for controller in self._controllers.values():
            for affected in controller.affected(event):
                controller.queue.add(affected)

    def _pod(self, event: Event) -> None:
        stored = event.object
        runner = self._runners.get(stored.uid)
        if event.type == "DELETED":
            if runner is not None:
                runner.removed()
            return
        if runner is None and (stored.body.get("status") or {}).get("phase") in FINISHED:
            # It has ended: nothing is to be run or ended. A finalizer says that somebody has yet to read it.
            if stored.metadata.get("deletionTimestamp") and not stored.metadata.get("finalizers"):
                self._objects.delete(stored.ref)
                self._files.remove_pod(stored.ref.namespace, stored.ref.name)
            return
        if runner is None:
            runner = self._runners[stored.uid] = PodRunner(stored, self._dependencies, self._gone)
        runner.update(stored)

    def _gone(self, runner: PodRunner) -> None:
        self._runners.pop(runner.uid, None)

    def _wake_owner(self, event: Event) -> None:
        """Has the controller of an object look at it: what it controls has changed."""
        reference = controller_of(event.object.body)
        kind = GroupKind.of(reference) if reference is not None else None
        if reference is not None and kind in self._controllers:
            owner = Ref(*kind, event.object.ref.namespace, str(reference["name"]))
            self._controllers[kind].queue.add(owner)
