"""The API server: joins the parts, listens with TLS, and ends."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mesh.api import node
from mesh.api.admission import NAMESPACE_LABEL, Admission
from mesh.api.app import App
from mesh.api.applying import Applying
from mesh.api.collector import Collector
from mesh.api.credentials import Credentials, prepare, publish
from mesh.api.discovery import version
from mesh.api.guard import Guard
from mesh.api.http import CERTIFIED, Receive, Scope, Send
from mesh.api.observing import Observing, Sources
from mesh.api.pod_logs import PodLogs
from mesh.api.reading import Reading
from mesh.api.settings import Allocator, ApiSettings, Logs, Plane
from mesh.api.usage import Usage
from mesh.api.writing import Writing
from mesh.resources.ref import Ref
from mesh.store import Put, Store

__all__ = ["ApiServer", "ApiSettings", "Sources"]

BACKLOG = 256
STOP_LIMIT = 2
START_LIMIT = 10.0


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
    ) -> None:
        """`sources` are what the mesh knows of its requests and rules; without, that is not served."""
        self._store = store
        self._settings = settings
        self._plane = plane
        self._logs = logs
        self._allocator = allocator
        self._status = status
        self._sources = sources
        self._closing = asyncio.Event()
        self._server: _Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Listens, writes the kubeconfig, returns the URL. Raises OSError when port or home refuse."""
        settings = self._settings
        credentials = prepare(settings.home, settings.host)
        self._ensure_default_namespace()
        node.register(self._store, settings.node_name, settings.node_address, version()["gitVersion"])
        admission = Admission(self._store, settings, self._allocator)
        app = self._app(admission, credentials)
        listener = _listen(settings.host, settings.port)
        self._server = _Server(_configured(app, settings, credentials))
        serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="api server")
        self._tasks = [serving]
        async with asyncio.timeout(START_LIMIT):
            while not self._server.started:
                if serving.done():
                    await serving
                await asyncio.sleep(0.001)
        collector = Collector(self._store, admission.node_ports)
        self._tasks.append(asyncio.create_task(collector.run(), name="collector"))
        url = _url(settings.host, listener.getsockname()[1])
        publish(settings.home, credentials, url, settings.namespace)
        return url

    async def stop(self) -> None:
        """Ends watches and followed logs, lets short requests finish, stops listening. Idempotent."""
        self._closing.set()
        tasks, self._tasks = self._tasks, []
        if not tasks or self._server is None:
            return
        serving, *others = tasks
        for task in others:
            task.cancel()
        self._server.should_exit = True
        await asyncio.gather(*others, return_exceptions=True)
        await serving

    def _app(self, admission: Admission, credentials: Credentials) -> App:
        settings = self._settings
        return App(
            store=self._store,
            settings=settings,
            guard=Guard(credentials.token, settings.host),
            reading=Reading(self._store, settings, self._closing),
            writing=Writing(self._store, admission),
            applying=Applying(self._store, admission, settings.namespace),
            pod_logs=PodLogs(self._store, self._logs, self._closing),
            used=Usage(self._store, settings.home, settings.node_name),
            plane=self._plane,
            status=self._status,
            observing=Observing(self._store, self._sources, self._closing) if self._sources is not None else None,
        )

    def _ensure_default_namespace(self) -> None:
        ref = Ref("", "Namespace", "", "default")
        if self._store.get(ref) is None:
            metadata = {"name": "default", "labels": {NAMESPACE_LABEL: "default"}}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            self._store.commit([Put(ref, {**body, "status": {"phase": "Active"}})])


def _configured(app: App, settings: ApiSettings, credentials: Credentials) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=_BoundedHead,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=credentials.certificate,
        ssl_keyfile=credentials.key,
        h11_max_incomplete_event_size=settings.largest_head,
        limit_concurrency=settings.most_connections,
        timeout_graceful_shutdown=STOP_LIMIT,
        backlog=BACKLOG,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        # A client may show a certificate of the mesh's own authority instead of the token; another one ends the
        # handshake.
        config.ssl.load_verify_locations(credentials.authority)
        config.ssl.verify_mode = ssl.CERT_OPTIONAL
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return config


class _Server(uvicorn.Server):
    """Leaves the process's signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _BoundedHead(H11Protocol):
    """Closes a connection whose request's head does not come in time."""

    _head_timer: asyncio.TimerHandle | None = None
    HEAD_LIMIT = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if transport.get_extra_info("peercert"):
            self.app = _certified(self.app)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.HEAD_LIMIT, self.transport.close)

    def _forget(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _certified(app: Any) -> Any:
    """The application for a connection whose client has shown its certificate."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, CERTIFIED: True}, receive, send)

    return call


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"the API cannot listen at {host}:{port}: {error.strerror}") from error
    return listener


def _url(host: str, port: int) -> str:
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
