"""The API server: joins its parts, listens with TLS, and stops."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any

from mesh.api.app import App
from mesh.api.interfaces import Allocator, Logs, Plane
from mesh.api.mesh_v1.apply import Apply
from mesh.api.mesh_v1.observe import Observe, Sources
from mesh.api.mesh_v1.sync import Sync
from mesh.api.meta.discovery import version
from mesh.api.meta.endpoints import Meta
from mesh.api.meta.health import Health
from mesh.api.node import node
from mesh.api.node.pod_logs import PodLogs
from mesh.api.node.resource_metrics import ResourceMetrics
from mesh.api.objects.account_tokens import AccountTokens
from mesh.api.objects.admission import Admission
from mesh.api.objects.collector import Collector
from mesh.api.objects.deleting import Deleting
from mesh.api.objects.ephemeral_containers import EphemeralContainers
from mesh.api.objects.eviction import Evicting
from mesh.api.objects.furnishing import Furnishing
from mesh.api.objects.patching import Patching
from mesh.api.objects.reading import Reading
from mesh.api.objects.scaling import Scaling
from mesh.api.objects.served import ServedKinds
from mesh.api.objects.storing import Storing
from mesh.api.objects.updating import Updating
from mesh.api.routes import Handlers, path_routes, resource_routes
from mesh.api.settings import ApiSettings
from mesh.api.streaming.backend import PodStreams
from mesh.api.streaming.pod_streams import PodStreaming
from mesh.api.transport.credentials import Credentials, prepare, publish
from mesh.api.transport.guard import Guard
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.router import Route
from mesh.api.transport.serving import Bounds, Serving, listen
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.gateway_api.types import CLASS_NAME, CONTROLLER
from mesh.resources.gateway_api.types import GROUP as GATEWAY_API
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store

__all__ = ["ApiServer", "ApiSettings", "Sources"]

# The names of the loops.
COLLECTOR, FURNISHING = "collector", "furnishing"


class ApiServer:
    """Kubernetes' REST API and the mesh's own over one store."""

    def __init__(
        self,
        store: Store,
        settings: ApiSettings,
        *,
        plane: Plane,
        logs: Logs,
        allocator: Allocator,
        status: Callable[[], dict[str, Any]],
        sources: Sources | None = None,
        extra_routes: Iterable[Route] = (),
        supervisor: Supervisor | None = None,
        streams: PodStreams | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        """`sources` are what the mesh knows of its requests and rules; without them, that is not served.

        `listener` is a bound socket, for when its port had to be known early (see `bind`). `status` gives the body of
        `/mesh/v1/status`. `extra_routes` are paths that packages above this one answer.
        """
        self._store = store
        self._settings = settings
        self._plane = plane
        self._logs = logs
        self._allocator = allocator
        self._status = status
        self._sources = sources
        self._extra_routes = extra_routes
        self._streams = streams
        self._listener = listener
        self._closing = asyncio.Event()
        self._serving: Serving | None = None
        self._supervisor = supervisor or Supervisor()

    async def start(self) -> str:
        """Listens, writes the kubeconfig, returns the URL. Raises OSError when port or home refuse."""
        settings = self._settings
        credentials = prepare(settings.home, settings.host)
        furnishing = Furnishing(self._store, credentials.authority.read_text(), credentials.token)
        # The kubeconfig's, too, so that the first `kubectl apply` finds it.
        furnishing.ensure_namespaces((settings.namespace,))
        furnishing.sweep()
        self._ensure_gateway_class()
        node.register(self._store, settings.node_name, settings.node_address, version()["gitVersion"])
        admission = Admission(self._store, settings, self._allocator)
        self.app = self._app(admission, credentials)
        listener = self._listener or bind(settings)
        bounds = Bounds(settings.largest_head, settings.most_connections)
        self._serving = Serving(self.app, bounds, credentials)
        await self._serving.start(listener)
        collector = Collector(self._store, admission.node_ports)
        self._supervisor.start(COLLECTOR, collector.run)
        self._supervisor.start(FURNISHING, furnishing.run)
        url = _url(settings.host, listener.getsockname()[1])
        publish(settings.home, credentials, url, settings.namespace)
        return url

    async def stop(self) -> None:
        """Ends watches and followed logs, lets short requests finish, stops listening. Idempotent."""
        self._closing.set()
        await self._supervisor.stop(COLLECTOR, FURNISHING)
        if self._serving is not None:
            await self._serving.stop()

    def _app(self, admission: Admission, credentials: Credentials) -> App:
        settings, store, kinds = self._settings, self._store, ServedKinds(self._store)
        observe = Observe(store, self._sources, self._closing) if self._sources is not None else None
        storing = Storing(store, admission)
        updating = Updating(store, storing)
        handlers = Handlers(
            meta=Meta(kinds, credentials.token),
            health=Health(self._supervisor),
            resource_metrics=ResourceMetrics(store, settings.node_name),
            reading=Reading(store, settings, self._closing),
            updating=updating,
            patching=Patching(store, storing, updating),
            deleting=Deleting(store),
            evicting=Evicting(store),
            scaling=Scaling(store, storing),
            ephemeral_containers=EphemeralContainers(store, storing),
            account_tokens=AccountTokens(store, credentials.token),
            pod_logs=PodLogs(store, self._logs, self._closing),
            streaming=PodStreaming(store, self._streams, self._closing),
            apply=Apply(store, admission, settings.namespace),
            sync=Sync(store, self._plane),
            status=self._describe,
            observe=observe,
        )
        guard = Guard(credentials.token, settings.host)
        routes = [*path_routes(handlers), *self._extra_routes]
        return App(settings, guard, kinds, routes, resource_routes(handlers))

    async def _describe(self, _request: Request) -> Reply:
        return Reply({**self._status(), "kinds": self._store.kinds()})

    def _ensure_gateway_class(self) -> None:
        """The class of the Gateway API's Gateways that the mesh serves."""
        ref = Ref(GATEWAY_API, "GatewayClass", "", CLASS_NAME)
        if self._store.get(ref) is None:
            spec = {"controllerName": CONTROLLER, "description": "the mesh's own gateway"}
            body = {"apiVersion": f"{GATEWAY_API}/v1", "kind": "GatewayClass", "metadata": {"name": CLASS_NAME}}
            self._store.commit([Put(ref, {**body, "spec": spec})])


def bind(settings: ApiSettings) -> socket.socket:
    """The socket at which a server of these settings will listen. Raises OSError that names address and port."""
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise OSError(
            error.errno, f"the API cannot listen at {settings.host}:{settings.port}: {error.strerror}"
        ) from error


def _url(host: str, port: int) -> str:
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
