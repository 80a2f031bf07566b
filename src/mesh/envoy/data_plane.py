"""The data plane: one Envoy and the ADS server that tells it what to do."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh.envoy.process.binary import version
from mesh.envoy.process.bootstrap import XDS_SOCKET
from mesh.envoy.process.launcher import Launcher, as_child
from mesh.envoy.process.supervisor import EnvoyProcess
from mesh.envoy.xds.ads import EMPTY, AdsServer, Service
from mesh.envoy.xds.ordering import plan
from mesh.envoy.xds.resources import Encoder, Kind, Resources
from mesh.routing.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class DataPlaneSettings:
    """`concurrency` is Envoy's worker threads; None takes half of the cores, at most four. `launch` starts its process.

    The services need the other half: on two cores one worker serves as many pages as two, in less memory.
    """

    concurrency: int | None = None
    launch: Launcher = as_child


Refused = Mapping[tuple[Kind, str], str]


class DataPlane:
    """`apply` brings Envoy to a snapshot; calls must follow one another. `services` answer Envoy on its socket, too."""

    def __init__(self, home: Path, settings: DataPlaneSettings | None = None, services: Sequence[Service] = ()) -> None:
        self._home = home
        settings = settings or DataPlaneSettings()
        self._ads = AdsServer(services)
        self._encoder = Encoder()
        self._told: Resources = EMPTY
        self.process = EnvoyProcess(
            home, settings.concurrency or max(1, min(4, (os.cpu_count() or 1) // 2)), settings.launch
        )

    async def start(self) -> None:
        """Starts both. Raises EnvoyFailed or EnvoyMissing."""
        folder = self._home / "run"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / XDS_SOCKET).unlink(missing_ok=True)
        await self._ads.start(folder / XDS_SOCKET)
        await self.process.start()

    async def stop(self) -> None:
        await self.process.stop()
        await self._ads.stop()
        with suppress(OSError):
            (self._home / "run" / XDS_SOCKET).unlink()

    async def apply(self, snapshot: Snapshot, *, whole: bool = False) -> Refused:
        """Tells Envoy what changed, in order, and waits until it has answered. Returns what it refuses.

        Unless `whole`, what follows a refused cluster or route table is left for the next call, so that the
        last good configuration stays complete. Raises Inconsistent for a snapshot that names what it lacks.
        """
        resources = self._encoder.encode(snapshot)
        steps = plan(self._told, resources)
        self._told = await self._ads.carry_out(steps, resources, whole=whole)
        await self.process.until_live()
        return self._ads.refused

    async def offer_listeners_again(self) -> Refused:
        """Sends refused listeners once more: their ports may be free now. Returns what Envoy refuses now."""
        await self._ads.again()
        return self._ads.refused

    @property
    def connected(self) -> bool:
        return self._ads.connected

    def describe(self) -> dict[str, Any]:
        """What a status says about Envoy."""
        return {
            "live": self.process.pid is not None and self.connected,
            "pid": self.process.pid,
            "version": version(),
            "restarts": self.process.restarts,
            "listeners": len(self._told[Kind.LISTENER]),
            "clusters": len(self._told[Kind.CLUSTER]),
            "refused": {name: reason for (_, name), reason in self._ads.refused.items()},
        }
