"""The list of probes: a probe is a conversation with the server whose answers were recorded under its name."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conformance.api_server.world import World

Probe = Callable[[World], Awaitable[Any]]
Register = Callable[[Probe], Probe]


class Probes:
    """Probes in the order in which they were recorded: later ones see what earlier ones have left."""

    def __init__(self) -> None:
        self.all: dict[str, Probe] = {}

    def __call__(self, name: str) -> Register:
        """A decorator that adds a probe."""

        def register(probe: Probe) -> Probe:
            self.all[name] = probe
            return probe

        return register


CORE = "/api/v1/namespaces"
W3 = f"{CORE}/w3"
CONFIG_MAPS = f"{W3}/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/w3/deployments"


def config_map(name: str, data: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """A ConfigMap; `data` defaults to a: b."""
    content = {"a": "b"} if data is None else data
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": content}


def deployment(name: str, replicas: int = 0, **container: Any) -> dict[str, Any]:
    """A Deployment of pods with one container `c`."""
    labels = {"a": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "nginx", **container}]},
            },
        },
    }


def managers(body: Any) -> list[list[str]]:
    """metadata.managedFields, the parts that are the same at any time, by manager."""
    return sorted(
        [
            entry["manager"],
            entry["operation"],
            entry.get("subresource", ""),
            json.dumps(entry["fieldsV1"], sort_keys=True),
        ]
        for entry in body["metadata"].get("managedFields") or ()
    )
