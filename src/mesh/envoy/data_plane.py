"""The data plane: one Envoy, and the ADS server that configures it."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import grpc

from mesh.envoy.branch_files import BranchFiles
from mesh.envoy.edge import Edge
from mesh.envoy.encode.branch_records import FOLDER
from mesh.envoy.hop_pipe import HopPipe
from mesh.envoy.process.admin import AdminError
from mesh.envoy.process.binary import version
from mesh.envoy.process.bootstrap import HOP_PIPE, XDS_SOCKET
from mesh.envoy.process.envoy_process import EnvoyProcess
from mesh.envoy.process.launcher import Launcher, as_child
from mesh.envoy.xds.ads import EMPTY, AdsServer
from mesh.envoy.xds.ordering import plan
from mesh.envoy.xds.resources import Encoder, Kind, Resources
from mesh.reconcile.supervisor import Supervisor
from mesh.routing.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class DataPlaneSettings:
    """`concurrency` is Envoy's worker threads; None takes half of the cores, at most four. `launch` starts its process.
    `place` is where it serves, if one that has outlived its daemon may be adopted there (see `Record`).

    The services need the other half: on two cores one worker serves as many pages as two, in less memory.
    """

    concurrency: int | None = None
    launch: Launcher = as_child
    place: str = ""


Refused = Mapping[tuple[Kind, str], str]


class Reports(Protocol):
    """Reads what Envoy reports of requests and connections."""

    def take(self, lines: bytes) -> None:
        """Lines about HTTP requests (see `mesh.routing.model.hop_line`), separated by line feeds."""
        ...

    def serve(self, server: grpc.aio.Server) -> None:
        """Makes a gRPC server accept messages about TCP connections."""
        ...


# What makes Envoy set an endpoint aside (Envoy's "Outlier detection runtime settings").
ENFORCED = (
    "consecutive_5xx",
    "consecutive_gateway_failure",
    "consecutive_local_origin_failure",
    "success_rate",
    "local_origin_success_rate",
    "failure_percentage",
    "failure_percentage_local_origin",
)


class DataPlane:
    """`apply` brings Envoy to a snapshot; calls must follow one another. `reports` is given what Envoy reports.

    Where pods have network namespaces, `edge` passes connections between the mesh's and the host's.
    """

    def __init__(
        self,
        home: Path,
        settings: DataPlaneSettings | None = None,
        reports: Reports | None = None,
        *,
        edge: Edge | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._home = home
        self._edge = edge
        settings = settings or DataPlaneSettings()
        self._ads = AdsServer([reports.serve] if reports is not None else [])
        # Also if nobody reads: Envoy would wait for a reader when it opens the pipe.
        self._hops = HopPipe(home / "run" / HOP_PIPE, reports.take if reports is not None else lambda _: None)
        self._encoder = Encoder()
        self._branches = BranchFiles(home / "run" / FOLDER)
        self._sent: Resources = EMPTY
        concurrency = settings.concurrency or max(1, min(4, (os.cpu_count() or 1) // 2))
        self.process = EnvoyProcess(home, concurrency, settings.launch, place=settings.place, supervisor=supervisor)

    async def start(self) -> None:
        """Starts all of them, or adopts those of a dead daemon. Raises EnvoyFailed or EnvoyMissing."""
        folder = self._home / "run"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if await self.process.adopt():
            # It serves by what the dead daemon sent it, which this one has to know as well before it changes anything.
            self._ads.hold()
        (folder / XDS_SOCKET).unlink(missing_ok=True)
        await self._ads.start(folder / XDS_SOCKET)
        self._hops.open()
        # The listeners that need the edge's sockets come with the first snapshot, which is applied once both run.
        parts: list[EnvoyProcess | Edge] = [self.process, *([self._edge] if self._edge is not None else [])]
        results = await asyncio.gather(*(part.start() for part in parts), return_exceptions=True)
        if failures := [result for result in results if isinstance(result, BaseException)]:
            for part in parts:
                await part.stop()
            raise failures[0]

    async def stop(self) -> None:
        await self.process.stop()
        if self._edge is not None:
            await self._edge.stop()
        await self._ads.stop()
        self._hops.close()
        with suppress(OSError):
            (self._home / "run" / XDS_SOCKET).unlink()
        with suppress(OSError):
            self._branches.remove()

    async def apply(self, snapshot: Snapshot, *, stop_at_refusal: bool = True) -> Refused:
        """Sends Envoy what changed, in order, and waits until it has answered. Returns what it refuses.

        With `stop_at_refusal`, what follows a refused cluster or route table is left for the next call, so that the
        last good configuration stays complete while the caller looks for a snapshot that Envoy takes. Without, all of
        the snapshot is sent: it is final, and refusals remain as they are. Raises Inconsistent for a snapshot that
        names what it lacks, and CannotWrite when there is no room for what is known of branches.
        """
        if self._edge is not None:
            # What is needed from now on before the routes that need it, what is not needed any more after them.
            await self._edge.add(snapshot)
        resources = self._encoder.encode(snapshot)
        records = self._encoder.records
        self._branches.retire(records)
        try:
            await self._ads.carry_out(
                plan(self._sent, resources, turning=not self._branches.are(records)),
                resources,
                stop_at_refusal=stop_at_refusal,
                before_turning=lambda: self._branches.prepare(records),
                after_turning=lambda: self._branches.finish(records),
            )
        finally:
            self._sent = self._ads.present
        await self.process.until_live()
        if self._edge is not None:
            await self._edge.apply(snapshot)
        return self._refused()

    async def offer_listeners_again(self) -> Refused:
        """Sends refused listeners once more: their ports may be free now. Returns what Envoy refuses now."""
        await self._ads.offer_listeners_again()
        if self._edge is not None:
            await self._edge.again()
        return self._refused()

    def _refused(self) -> Refused:
        """What Envoy refuses, and what the edge does: the ports of the host are the edge's."""
        edge = self._edge.refused if self._edge is not None else {}
        return {**self._ads.refused, **{(Kind.LISTENER, name): reason for name, reason in edge.items()}}

    async def quieten(self, quiet: bool) -> None:
        """Has Envoy set no endpoint aside for failing (outlier detection), or do so again.

        By runtime keys, which override every cluster's settings at once: a changed cluster would lose its connections.
        An Envoy that cannot be asked has no endpoints to set aside either.
        """
        pairs = "&".join(f"outlier_detection.enforcing_{key}={0 if quiet else ''}" for key in ENFORCED)
        with suppress(AdminError):
            await self.process.admin.post(f"/runtime_modify?{pairs}")

    @property
    def connected(self) -> bool:
        return self._ads.connected

    @property
    def sent(self) -> Resources:
        """What Envoy was brought to last."""
        return self._sent

    def describe(self) -> dict[str, Any]:
        """What a status says about Envoy."""
        return {
            "live": self.process.pid is not None and self.connected,
            "pid": self.process.pid,
            "version": version(),
            "restarts": self.process.restarts,
            "listeners": len(self._sent[Kind.LISTENER]),
            "clusters": len(self._sent[Kind.CLUSTER]),
            "refused": {name: reason for (_, name), reason in self._refused().items()},
        }
