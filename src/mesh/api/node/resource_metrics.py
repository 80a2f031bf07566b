"""What pods and the machine use (`mesh.pods.host.usage`): `metrics.k8s.io/v1beta1`, as printed by `kubectl top`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mesh.api.objects.selectors import selection
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem
from mesh.pods.host.usage import UsageMeter
from mesh.resources.values.body import Body
from mesh.store import Store, Stored, timestamp

GROUP, VERSION = "metrics.k8s.io", "v1beta1"


class ResourceMetrics:
    """Measures a store's pods on request."""

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._node = node
        self._meter = UsageMeter(store)

    async def nodes(self, _request: Request) -> Reply:
        return Reply(_list("NodeMetricsList", [await self._machine()]))

    async def node(self, request: Request) -> Reply:
        """Raises Problem (404)."""
        name = request.parameters["name"]
        if name != self._node:
            raise Problem(404, f'nodemetrics.{GROUP} "{name}" not found')
        return Reply(await self._machine())

    async def pods(self, request: Request) -> Reply:
        """All pods, or those of a namespace, by selectors. Raises Problem (400)."""
        pods = self._store.list("", "Pod", request.parameters.get("namespace"))
        labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        return Reply(_list("PodMetricsList", await self._pods(pods, labels, fields)))

    async def pod(self, request: Request) -> Reply:
        """Raises Problem (404)."""
        namespace, name = request.parameters["namespace"], request.parameters["name"]
        pods = [pod for pod in self._store.list("", "Pod", namespace) if pod.ref.name == name]
        metrics = await self._pods(pods, "", "")
        if not metrics:
            raise Problem(404, f'podmetrics.{GROUP} "{namespace}/{name}" not found')
        return Reply(metrics[0])

    async def _pods(self, pods: Iterable[Stored], labels: str, fields: str) -> list[Body]:
        matches = selection(labels, fields, "Pod")
        selected = [pod for pod in pods if matches is None or matches(pod.body)]
        if not selected:
            return []
        usage = await self._meter.measure(pod.uid for pod in selected)
        return [
            _metrics(
                "PodMetrics",
                pod.ref.name,
                usage.window,
                namespace=pod.ref.namespace,
                labels=pod.metadata.get("labels") or {},
                containers=[
                    {"name": name, "usage": _usage(used.cores, used.memory)}
                    for (uid, name), used in usage.containers.items()
                    if uid == pod.uid
                ],
            )
            for pod in selected
            if any(uid == pod.uid for uid, _ in usage.containers)
        ]

    async def _machine(self) -> Body:
        usage = await self._meter.measure(())
        used = _usage(usage.machine_cores, _memory_of_machine())
        return _metrics("NodeMetrics", self._node, usage.window, usage=used)


def memory_info() -> dict[str, int]:
    """/proc/meminfo, in bytes."""
    definition = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        definition[name] = int(value.split()[0]) * 1024
    return definition


def _memory_of_machine() -> int:
    definition = memory_info()
    return definition["MemTotal"] - definition["MemAvailable"]


def _usage(cores: float, memory: int) -> dict[str, str]:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{memory // 1024}Ki"}


def _metrics(kind: str, name: str, window: float, *, namespace: str = "", labels: Any = None, **more: Any) -> Body:
    metadata: Body = {"name": name, "creationTimestamp": timestamp()}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    sample = {"timestamp": timestamp(), "window": f"{window:.3f}s", **more}
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata, **sample}


def _list(kind: str, items: list[Body]) -> Body:
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}
