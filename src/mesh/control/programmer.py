"""Keeps Envoy at what the store says: follows it, compiles it, applies it, and writes the result to the objects.

An object that Envoy refuses is set aside: its last good state stays in force, everything else goes on, and its status
says why (`bring_up`, `in_force`).
"""

import asyncio
import logging
import time
from collections.abc import Callable

from mesh.control.bring_up import BringUp, CannotBuild
from mesh.control.jwks import SocketTo, host_socket
from mesh.control.listeners import blocked_listeners
from mesh.control.lookups import Lookups
from mesh.control.outcome import Acknowledged, Rejected
from mesh.control.statuses import StatusWriter
from mesh.control.triggers import matters
from mesh.envoy.data_plane import DataPlane, Refused
from mesh.reconcile.follower import Follower
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.routing.memory import Memory
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.world import MeshSettings, World
from mesh.store import Store, Stored, StoreError

# Seconds until refused listeners are offered and unwritten statuses are written again: the first and longest pause.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

log = logging.getLogger(__name__)


class Programmer:
    """One loop that brings Envoy to the latest version of the store again and again."""

    LOOP = "programmer"

    def __init__(
        self,
        store: Store,
        plane: DataPlane,
        settings: MeshSettings,
        on_refusal: Callable[[Stored, str], None] = lambda _stored, _reason: None,
        supervisor: Supervisor | None = None,
        socket_to: SocketTo = host_socket,
    ) -> None:
        """`on_refusal` is called once for each object that Envoy begins to refuse, with the reason. `socket_to` makes
        the sockets by which pods are asked for keys."""
        self._store = store
        self._plane = plane
        self._supervisor = supervisor or Supervisor()
        self._statuses = StatusWriter(store, settings, on_refusal)
        self._bring_up = BringUp(plane, settings)
        self._lookups = Lookups(socket_to)
        self._pods = Memory()
        self._world = World(0)
        self._version = -1
        self._progress = asyncio.Condition()
        # What Envoy refuses that no object is to blame for, by resource.
        self._unattributed: dict[str, str] = {}
        self._blocked: dict[str, Rejected] = {}
        # Envoy could not be brought to the world, for a reason that may pass.
        self._is_behind = False
        # Why statuses could not be written, "" if they were.
        self._unwritten = ""
        self._pause = FIRST_PAUSE

    @property
    def snapshot(self) -> Snapshot:
        """What Envoy was brought to last."""
        return self._bring_up.snapshot

    async def start(self) -> None:
        self._supervisor.start(self.LOOP, self._run)

    async def stop(self) -> None:
        """Idempotent. Envoy keeps what it has."""
        await self._supervisor.stop(self.LOOP)

    async def acknowledged(self, version: int, timeout: float) -> Acknowledged:  # noqa: ASYNC109
        """Waits until Envoy has what the store had at `version`. Raises TimeoutError."""
        begun = time.perf_counter()
        async with asyncio.timeout(timeout), self._progress:
            await self._progress.wait_for(lambda: self._version >= version)
        return Acknowledged(self._version, (time.perf_counter() - begun) * 1000, self.rejected())

    def rejected(self) -> tuple[Rejected, ...]:
        """What is not in force now, and why."""
        aside = (Rejected(str(ref), (ref,), reason) for ref, reason in self._bring_up.in_force.reasons.items())
        others = (Rejected(name, (), reason) for name, reason in sorted(self._unattributed.items()))
        return (*aside, *others, *self._blocked.values())

    def problems(self) -> list[str]:
        """What keeps the mesh from saying what became of its objects."""
        return [f"statuses cannot be written: {self._unwritten}"] if self._unwritten else []

    async def _run(self) -> None:
        with Follower(self._store) as follower:
            while True:
                try:
                    async with asyncio.timeout(self._until_retry()):
                        changes = await follower.next()
                except TimeoutError:
                    await self._retry()
                    continue
                if changes is None:
                    return
                if changes.relist or any(map(matters, changes.events)):
                    await self._bring()
                else:
                    await self._reached(self._store.version)

    def _until_retry(self) -> float | None:
        """Seconds until something should be tried again if nothing changes; None when there is nothing to try."""
        retries = self._blocked or self._unwritten or self._is_behind
        pauses = (self._pause if retries else None, self._lookups.pause)
        return min((pause for pause in pauses if pause is not None), default=None)

    async def _retry(self) -> None:
        """While nothing happens: looks up names and keys again, offers refused listeners, writes statuses."""
        if await self._lookups.refresh() or self._is_behind:
            if self._is_behind:
                self._pause = min(LONGEST_PAUSE, self._pause * 2)
            await self._bring()
        if self._blocked or self._unwritten:
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
            self._report(await self._plane.offer_listeners_again())

    async def _bring(self) -> None:
        """Compiles the store as it is now and applies it."""
        world = World.of(self._store, self._pods)
        self._world = await self._lookups.complete(world, self._bring_up.in_force.last_good())
        try:
            refused = await self._bring_up.bring(self._world)
        except CannotBuild as error:
            self._unattributed = {"configuration": str(error)}
            if error.passes and not self._is_behind:
                log.error("Envoy cannot be brought to the latest version: %s", error)
            self._is_behind = error.passes
        else:
            self._unattributed = {}
            self._is_behind = False
            self._pause = FIRST_PAUSE
            self._report(refused)
        # Last, so that whoever waited for Envoy sees the statuses, too.
        await self._reached(world.version)

    async def _reached(self, version: int) -> None:
        async with self._progress:
            self._version = max(self._version, version)
            self._progress.notify_all()

    def _report(self, refused: Refused) -> None:
        """Remembers what Envoy refuses now, and writes the statuses of all objects."""
        self._blocked = dict(blocked_listeners(refused, self.snapshot))
        self._unattributed |= {name: reason for (_, name), reason in refused.items() if name not in self._blocked}
        refusals = dict(self._bring_up.in_force.reasons)
        for blocked in self._blocked.values():
            refusals |= dict.fromkeys(blocked.origins, blocked.reason)
        findings = self._lookups.findings(self._store.of(RequestAuthentication))
        try:
            self._statuses.write(self._world, refusals, findings)
            self._unwritten = ""
        except StoreError as error:
            # A full disk must not keep Envoy from following what is in memory, such as pods: tried again after a pause.
            if not self._unwritten:
                log.error("statuses cannot be written: %s", error)
            self._unwritten = str(error)
