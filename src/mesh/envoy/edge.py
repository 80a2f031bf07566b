"""The edge: a second, small Envoy in the host's network, for what comes into the mesh and what leaves it.

It follows files, so that it serves on without anybody when the daemon is dead.
"""

import asyncio
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import json_format

from mesh.envoy.encode.edge import Forward, edge_clusters, edge_listeners, forwards_of
from mesh.envoy.encode.protobuf import packed
from mesh.envoy.process.admin import AdminError
from mesh.envoy.process.edge_bootstrap import ADMIN_SOCKET, CLUSTERS, FOLDER, LISTENERS, edge_bootstrap
from mesh.envoy.process.envoy_process import EnvoyProcess
from mesh.reconcile.supervisor import Supervisor
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.network import NamespaceNetwork

# Seconds until the edge must have read a file.
READ_LIMIT = 10.0


class Edge:
    """Brings the edge to snapshots. `api` is where the mesh's API listens on the host: pods reach it there.

    `place` as in `DataPlaneSettings`.
    """

    def __init__(
        self,
        home: Path,
        network: NamespaceNetwork,
        api: tuple[str, int] | None = None,
        supervisor: Supervisor | None = None,
        place: str = "",
    ) -> None:
        self._folder = home / "run"
        self._network = network
        self._api = api
        self._forwards: tuple[Forward, ...] | None = None
        self._version = 0
        self.refused: Mapping[str, str] = {}
        self.process = EnvoyProcess(
            home,
            1,
            name="edge",
            configuration=edge_bootstrap,
            admin_socket=ADMIN_SOCKET,
            place=place,
            supervisor=supervisor,
        )

    async def start(self) -> None:
        """Starts it with what leaves the mesh, or adopts that of a dead daemon. Raises EnvoyFailed or EnvoyMissing."""
        (self._folder / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
        # An adopted one goes on with its files until the first snapshot is there.
        if not await self.process.adopt():
            self._write(())
        await self.process.start()

    async def stop(self) -> None:
        """Ends it and removes its sockets and files."""
        await self.process.stop()
        # The disk may have become read-only: what is left is replaced at the next start.
        with suppress(OSError):
            shutil.rmtree(self._folder / FOLDER)

    async def add(self, snapshot: Snapshot) -> None:
        """Makes it pass on what a snapshot needs, besides what it passes on already."""
        needed = forwards_of(snapshot)
        places = {(forward.datagrams, forward.address, forward.port) for forward in needed if forward.inwards}
        names = {forward.name for forward in needed}
        former = (
            forward
            for forward in self._forwards or ()
            if forward.name not in names and (forward.datagrams, forward.address, forward.port) not in places
        )
        await self._bring((*needed, *former))

    async def apply(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Makes it pass on what a snapshot needs and nothing else. Returns the listeners that it refuses, by name."""
        await self._bring(forwards_of(snapshot))
        return self.refused

    async def again(self) -> Mapping[str, str]:
        """Offers refused listeners once more. Returns what it refuses now."""
        if self.refused:
            forwards, self._forwards = self._forwards or (), None
            await self._bring(forwards)
        return self.refused

    async def _bring(self, forwards: Sequence[Forward]) -> None:
        forwards = tuple(sorted(forwards, key=lambda forward: forward.name))
        # One that was started again has read the files before it is live.
        await self.process.until_live()
        if forwards == self._forwards:
            return
        before = await self._counted()
        self._write(forwards)
        self.refused = await self._answer(before)
        self._remove_sockets()

    def _write(self, forwards: Sequence[Forward]) -> None:
        """Clusters first: listeners name them."""
        self._forwards = tuple(forwards)
        self._version += 1
        self._move(CLUSTERS, edge_clusters(forwards, self._api))
        self._move(LISTENERS, edge_listeners(forwards, self._network, self._api))

    def _remove_sockets(self) -> None:
        """Envoy leaves the file of a Unix socket that it listens on no more."""
        used = {self._network.egress_socket, *(forward.pipe for forward in self._forwards or ())}
        for path in (self._folder / FOLDER).glob("*.sock"):
            if f"{FOLDER}/{path.name}" not in used:
                path.unlink(missing_ok=True)

    def _move(self, path: str, messages: Iterable[Any]) -> None:
        """A file is read again when another one is moved in its place."""
        response = discovery_pb2.DiscoveryResponse(version_info=str(self._version))
        response.resources.extend(packed(message) for message in messages)
        draft = self._folder / f"{path}.new"
        draft.write_text(json_format.MessageToJson(response))
        draft.replace(self._folder / path)

    async def _answer(self, before: "_Counted") -> Mapping[str, str]:
        """Waits until it has read the listeners again. Returns what it refuses of them."""
        deadline = time.monotonic() + READ_LIMIT
        while True:
            now = await self._counted()
            # One that was started again meanwhile has read the files, and begins to count anew.
            if now.accepted > before.accepted or now.total < before.total:
                return {}
            if now.total > before.total:
                return await self._refusals()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the edge has not read {LISTENERS} within {READ_LIMIT:g} s")
            await asyncio.sleep(0.005)

    async def _counted(self) -> "_Counted":
        try:
            text = (await self.process.admin.get("/stats?filter=^listener_manager.lds.update_")).decode()
        except AdminError:
            return _Counted(0, 0)
        counts = {
            name.rpartition("_")[2]: value for name, _, value in (line.partition(": ") for line in text.split("\n"))
        }
        return _Counted(int(counts.get("success", 0)), int(counts.get("rejected", 0)))

    async def _refusals(self) -> Mapping[str, str]:
        """The listeners that it refuses, and why."""
        names = {forward.name for forward in self._forwards or ()}
        dump = await self.process.admin.json("/config_dump?resource=dynamic_listeners")
        refused = {}
        for config in dump.get("configs", ()):
            error = config.get("error_state")
            name = error["failed_configuration"]["name"] if error else ""
            # What was refused once is shown on, whether or not it is still asked for.
            if name in names:
                refused[name] = error["details"]
        return refused


class _Counted(NamedTuple):
    """How often it has read its listeners: accepted all, or refused some."""

    accepted: int
    rejected: int

    @property
    def total(self) -> int:
        return self.accepted + self.rejected
