"""istiod's own translation as a process: a world in, what every proxy is sent out."""

import asyncio
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
# A world with few objects takes 0.1 s; this is for a machine that does much else.
DEADLINE = 120.0
# What istiod sends to a proxy depends on its version: that of the module which is asked.
ISTIO_VERSION = "1.31.0"
ENVIRONMENT = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}
# A line is the configuration of all proxies of a world.
LONGEST_LINE = 1 << 28


@dataclass(frozen=True, slots=True)
class Proxy:
    """An Envoy that asks istiod for its configuration: a pod's, or a gateway."""

    name: str
    namespace: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    gateway: bool = False

    def question(self) -> Json:
        return {
            "Name": self.name,
            "Namespace": self.namespace,
            "Address": self.address,
            "Gateway": self.gateway,
            "Labels": dict(self.labels),
            "IstioVersion": ISTIO_VERSION,
        }


@dataclass(frozen=True, slots=True)
class Sent:
    """Envoy's own messages, as istiod sends them to one proxy."""

    listeners: Sequence[Json]
    routes: Sequence[Json]
    clusters: Sequence[Json]
    endpoints: Sequence[Json]


class Rejected(Exception):
    """Istio's validation rejects an object, or istiod failed; the text is its own."""


class Oracle:
    """One process; questions are answered one after another."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
            env={**os.environ, **ENVIRONMENT},
        )

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def ask(self, kubernetes: Iterable[Json], istio: Iterable[Json], proxies: Iterable[Proxy]) -> dict[str, Sent]:
        """What each proxy is sent. Raises Rejected."""
        answer = await self._asked(
            {
                "Kubernetes": documents(kubernetes),
                "Istio": documents(istio),
                "Proxies": [proxy.question() for proxy in proxies],
            }
        )
        if answer["Error"]:
            raise Rejected(answer["Error"])
        return {
            name: Sent(*(sent[part] or [] for part in ("Listeners", "Routes", "Clusters", "Endpoints")))
            for name, sent in answer["Proxies"].items()
        }

    async def verdicts(self, objects: Sequence[Json]) -> list[tuple[str, str]]:
        """What Istio's validation says of each object: the error and the warnings, "" for none."""
        answer = await self._asked({"Istio": documents(objects), "Validate": True})
        return [(verdict["Error"], verdict["Warnings"]) for verdict in answer["Verdicts"]]

    async def _asked(self, question: Json) -> Json:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(question).encode() + b"\n")
        async with asyncio.timeout(DEADLINE):
            line = await process.stdout.readline()
        if not line:
            raise Rejected("the oracle ended")
        answer: Json = json.loads(line)
        return answer


def documents(objects: Iterable[Json]) -> str:
    """JSON is YAML; a document for each object."""
    return "\n---\n".join(yaml.safe_dump(body, sort_keys=False) for body in objects)
