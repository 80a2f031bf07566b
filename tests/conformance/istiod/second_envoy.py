"""A second Envoy, configured by istiod, in front of the same pods. One Envoy plays all proxies of many worlds."""

import asyncio
import copy
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh.envoy.process.binary import find
from tests.conformance.istiod.oracle import Sent

Json = dict[str, Any]
READY_WITHIN = 60.0
FIRST_PORT = 20000
# Where Envoy's listeners of a world are: (proxy, listener's name) to a port.
Doors = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A world's part of the configuration."""

    listeners: Sequence[Json]
    clusters: Sequence[Json]
    doors: Doors


def placed(answer: Mapping[str, Sent], address: str, first_port: int, prefix: str) -> Placed:
    """The listeners that clients call, each on a port of its own, with every cluster's name made unique."""
    listeners: list[Json] = []
    clusters: list[Json] = []
    doors: dict[tuple[str, str], int] = {}
    for proxy, sent in answer.items():
        names = {cluster["name"]: f"{prefix}{proxy}/{cluster['name']}" for cluster in sent.clusters}
        routes = {table["name"]: table for table in sent.routes}
        for listener in sent.listeners:
            if listener["name"].startswith("virtual"):
                continue
            port = first_port + len(doors)
            doors[proxy, listener["name"]] = port
            listeners.append(_listener(listener, routes, names, address, port))
        endpoints = {group["cluster_name"]: group for group in sent.endpoints}
        clusters += (_cluster(cluster, endpoints, names) for cluster in sent.clusters)
    return Placed(listeners, clusters, doors)


def _listener(listener: Json, routes: Mapping[str, Json], names: Mapping[str, str], address: str, port: int) -> Json:
    changed = copy.deepcopy(listener)
    changed["name"] = f"{port}"
    changed["address"] = {"socket_address": {"address": address, "port_value": port}}
    changed["bind_to_port"] = True
    for gone in ("additional_addresses", "use_original_dst", "access_log"):
        changed.pop(gone, None)
    _join_routes(changed, routes)
    renamed: Json = _renamed(changed, names)
    return renamed


def _join_routes(part: Any, routes: Mapping[str, Json]) -> None:
    """Route tables that istiod sends by another way become part of their listener."""
    if isinstance(part, dict):
        if "rds" in part:
            part["route_config"] = copy.deepcopy(routes[part.pop("rds")["route_config_name"]])
        part.pop("access_log", None)
        for value in part.values():
            _join_routes(value, routes)
    elif isinstance(part, list):
        for value in part:
            _join_routes(value, routes)


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: _renamed(value, names) for key, value in part.items()}
    if isinstance(part, list):
        return [_renamed(value, names) for value in part]
    return names.get(part, part) if isinstance(part, str) else part


def _cluster(cluster: Json, endpoints: Mapping[str, Json], names: Mapping[str, str]) -> Json:
    changed = copy.deepcopy(cluster)
    name = changed["name"]
    changed["name"] = names[name]
    if changed.get("type") == "EDS":
        changed["type"] = "STATIC"
        changed.pop("eds_cluster_config", None)
        changed["load_assignment"] = {**endpoints.get(name, {}), "cluster_name": names[name]}
    for gone in ("transport_socket_matches", "filters"):
        changed.pop(gone, None)
    return changed


class SecondEnvoy:
    """Runs for one batch of worlds. `address` is where it listens."""

    def __init__(self, home: Path, address: str) -> None:
        self._home = home
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None
        self._log = home / "second.log"

    async def run(self, worlds: Sequence[Placed]) -> None:
        """Replaces what ran before. Raises RuntimeError with Envoy's words when it does not start."""
        self.stop()
        resources = {
            "listeners": [listener for world in worlds for listener in world.listeners],
            "clusters": [cluster for world in worlds for cluster in world.clusters],
        }
        config = self._home / "second.json"
        config.write_text(json.dumps({"static_resources": resources}))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [
                    *(str(find()), "-c", str(config), "--concurrency", "1", "-l", "warn"),
                    *("--use-dynamic-base-id", "--drain-time-s", "1"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        async with asyncio.timeout(READY_WITHIN):
            for port in self._ports(worlds):
                await self._listening(port)

    @staticmethod
    def _ports(worlds: Sequence[Placed]) -> Iterator[int]:
        for world in worlds:
            yield from world.doors.values()

    async def _listening(self, port: int) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(self._address, port)
            except OSError:
                if self._process is None or self._process.poll() is not None:
                    raise RuntimeError(self._log.read_text(errors="replace")[-3000:]) from None
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
