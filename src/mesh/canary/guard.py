"""Restores the rules of canaries that nobody runs any more: the command was killed, or the daemon was away."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from mesh.canary.record import CONFIG_MAP, LABEL, Record, Restoring, restored, restoring
from mesh.pods.controllers.events import Recorder
from mesh.reconcile.follower import Follower
from mesh.reconcile.supervisor import Supervisor
from mesh.store import Change, Delete, Put, Store, Stored

LOOP = "canaries"
# Seconds after the end of a canary, or after an attempt to restore its rules that failed.
PAUSE = 0.5

log = logging.getLogger(__name__)


class CanaryGuard:
    """Follows the records of canaries in one store."""

    def __init__(
        self,
        store: Store,
        events: Recorder,
        supervisor: Supervisor | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._events = events
        self._supervisor = supervisor or Supervisor()
        self._clock = clock

    async def start(self) -> None:
        """Starts following. What has run out while no daemon was there is restored at once."""
        self.restore_abandoned()
        self._supervisor.start(LOOP, self._follow)

    async def stop(self) -> None:
        """Stops. Idempotent."""
        await self._supervisor.stop(LOOP)

    def restore_abandoned(self) -> None:
        """Restores the rules of every canary whose time has passed, each in one change."""
        now = self._clock()
        for stored, record in self._records():
            if record.until > now:
                continue
            try:
                self._store.commit([*self._changes(record), Delete(stored.ref, stored.version)])
            except Exception:
                # Others may still be restored; this one is tried again with the next look.
                log.exception("canary of %s/%s: its rules could not be restored", record.namespace, record.service)
                continue
            service = self._store.get(stored.ref._replace(kind="Service", name=record.service))
            message = f"nobody runs the canary of {record.version} any more; the former rules are in force again"
            log.warning("%s/%s: %s", record.namespace, record.service, message)
            if service is not None:
                self._events.warning(service, "CanaryAbandoned", message)

    async def _follow(self) -> None:
        with Follower(self._store, group=CONFIG_MAP[0], kind=CONFIG_MAP[1]) as follower:
            while True:
                ends = [record.until for _, record in self._records()]
                # Without a canary nothing wakes this loop but a change of a ConfigMap.
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, min(ends) - self._clock()) + PAUSE if ends else None):
                        if await follower.next() is None:
                            return
                self.restore_abandoned()

    def _records(self) -> list[tuple[Stored, Record]]:
        records = (
            (stored, Record.of(stored.body))
            for stored in self._store.list(*CONFIG_MAP)
            if LABEL in (stored.body["metadata"].get("labels") or {})
        )
        return [(stored, record) for stored, record in records if record is not None]

    def _changes(self, record: Record) -> Iterator[Change]:
        """In the reverse order of writing: rules leave a subset before the subset goes."""
        for touched in reversed(record.touched):
            stored = self._store.get(touched.ref)
            match restoring(touched, stored.body if stored is not None else None):
                case Restoring.WRITE if stored is not None:
                    yield Put(stored.ref, restored(touched, stored.body), stored.version)
                case Restoring.DELETE if stored is not None:
                    yield Delete(stored.ref, stored.version)
                case Restoring.LEAVE:
                    log.warning("%s was changed by somebody else during a canary and stays as it is", touched.ref)
