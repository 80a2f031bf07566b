"""A store and a PodManager with real processes, in a home of the test's own."""

import asyncio
import copy
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from mesh.pods.host.addresses import Block
from mesh.pods.logs.log_reader import LogOptions
from mesh.pods.manager import PodManager
from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.loopback import LoopbackRuntime
from mesh.resources.validation.manifest import validate
from mesh.resources.values.ref import Ref
from mesh.store import Delete, Put, Store, Stored
from tests.support.waiting import DEADLINE, eventually

T = TypeVar("T")
FAST = PodSettings(backoff_scale=0.02, settle_limit=2.0, stop_grace=1.0)


class Yard:
    """What a test does with the mesh: put manifests in, wait for what a user would see."""

    def __init__(self, home: Path, store: Store, block: Block, manager: PodManager, settled: list[int]) -> None:
        self.block = block
        self.home = home
        self.store = store
        self.manager = manager
        self.settled = settled

    def put(self, body: dict[str, Any]) -> Ref:
        valid = validate(body, "mesh")
        self.store.commit([Put(valid.ref, valid.body)])
        return valid.ref

    def change(self, ref: Ref, change: Callable[[dict[str, Any]], None]) -> None:
        stored = self.store.get(ref)
        assert stored is not None
        body = copy.deepcopy(stored.body)
        change(body)
        self.store.commit([Put(ref, body)])

    def delete(self, ref: Ref) -> None:
        self.store.commit([Delete(ref)])

    def end(self, ref: Ref, grace: int) -> None:
        def mark(body: dict[str, Any]) -> None:
            body["metadata"].update(deletionTimestamp="2026-11-23T00:00:00Z", deletionGracePeriodSeconds=grace)

        self.change(ref, mark)

    def get(self, ref: Ref) -> dict[str, Any] | None:
        stored = self.store.get(ref)
        return None if stored is None else stored.body

    def pods(self) -> list[Stored]:
        return self.store.list("", "Pod", "mesh")

    def events(self, reason: str) -> list[dict[str, Any]]:
        return [e.body for e in self.store.list("", "Event", "mesh") if e.body["reason"] == reason]

    async def until(self, condition: Callable[[], T]) -> T:
        """Waits for a condition; fails with what the pods show when it does not come."""
        return await eventually(
            condition, lambda: f"pods: {[(pod.ref.name, pod.body.get('status')) for pod in self.pods()]}"
        )

    def container(self, ref: Ref, index: int = 0) -> dict[str, Any]:
        body = self.get(ref)
        statuses = ((body or {}).get("status") or {}).get("containerStatuses") or [{}]
        found: dict[str, Any] = statuses[index]
        return found

    def phase(self, ref: Ref) -> str:
        body = self.get(ref)
        return str(((body or {}).get("status") or {}).get("phase", ""))

    def ready(self, ref: Ref) -> bool:
        body = self.get(ref) or {}
        conditions = (body.get("status") or {}).get("conditions") or []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    async def until_log(self, ref: Ref) -> str:
        """Waits for the first line that the pod writes; returns the log."""
        await self.until(lambda: self.container(ref).get("state", {}).get("running"))
        try:
            async with asyncio.timeout(DEADLINE):
                while not (found := await self.log(ref)):  # noqa: ASYNC110 - a log has no bell
                    await asyncio.sleep(0.01)
                return found
        except TimeoutError:
            raise AssertionError(f"{ref} wrote nothing within {DEADLINE:g} s") from None

    async def log(self, ref: Ref, container: str = "main", **options: Any) -> str:
        pieces = [p async for p in self.manager.logs.read("mesh", ref.name, container, LogOptions(**options))]
        return b"".join(pieces).decode()


@asynccontextmanager
async def yard_of(home: Path, settings: PodSettings, saved: Path | None = None) -> AsyncIterator[Yard]:
    """A store and a manager with these settings, ended with the block. `saved`: the file that keeps the store."""
    store = Store.open(saved)
    block = Block.claim(home)
    settled: list[int] = []

    async def note(version: int) -> None:
        settled.append(version)

    manager = PodManager(store, home, LoopbackRuntime(home, block), block, note, settings=settings)
    await manager.start()
    try:
        yield Yard(home, store, block, manager, settled)
    finally:
        await manager.stop()
        block.release_all()
        store.close()


def pod(name: str, *command: str, **more: Any) -> dict[str, Any]:
    """A Pod of one container `main`; `spec` adds to the pod's spec, everything else to the container."""
    spec = more.pop("spec", {})
    container = {"name": "main", "image": "none", "command": list(command), **more}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "mesh", "labels": {"app": name}},
        "spec": {"containers": [container], **spec},
    }


def deployment(name: str, replicas: int, *command: str, spec: dict[str, Any] | None = None, **more: Any) -> Any:
    """A Deployment of pods of one container `main`."""
    container = {"name": "main", "image": "none", "command": list(command), **more}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
            **(spec or {}),
        },
    }


def shell(script: str) -> tuple[str, str, str]:
    """The command of a shell script."""
    return ("sh", "-c", textwrap.dedent(script))
