"""The ASGI application: guards, finds who answers, turns problems into Status objects."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from mesh.api.mesh_v1.applying import Applying
from mesh.api.meta import discovery, reviews
from mesh.api.meta.openapi import Documents
from mesh.api.node import resource_metrics as usage
from mesh.api.node.pod_logs import PodLogs
from mesh.api.node.resource_metrics import Usage
from mesh.api.objects.paths import Target, find, unknown
from mesh.api.objects.reading import Reading
from mesh.api.objects.served import ServedKinds
from mesh.api.objects.writing import Writing
from mesh.api.server_settings import ApiSettings, Plane
from mesh.api.streaming.pod_streams import PodStreaming
from mesh.api.transport.guard import Guard
from mesh.api.transport.http import PROTOBUF, Answer, Handler, Receive, Reply, Request, Scope, Send
from mesh.api.transport.status_errors import Problem
from mesh.resources.values.body import Body
from mesh.store import Store, StoreError

LONGEST_SYNC = 300.0
log = logging.getLogger(__name__)


class App:
    """Answers every request with JSON; errors are Kubernetes' Status objects."""

    def __init__(
        self,
        *,
        store: Store,
        settings: ApiSettings,
        guard: Guard,
        reading: Reading,
        writing: Writing,
        applying: Applying,
        pod_logs: PodLogs,
        streaming: PodStreaming,
        used: Usage,
        plane: Plane,
        status: Callable[[], dict[str, Any]],
        more: Mapping[tuple[str, str], Handler],
    ) -> None:
        self._store = store
        self._kinds = ServedKinds(store)
        self._documents = Documents()
        self._used = used
        self._settings = settings
        self._guard = guard
        self._reading = reading
        self._writing = writing
        self._applying = applying
        self._pod_logs = pod_logs
        self._streaming = streaming
        self._plane = plane
        self._status = status
        self._own: dict[tuple[str, str], Handler] = {
            ("POST", "/mesh/v1/apply"): applying.apply,
            ("POST", "/mesh/v1/delete"): applying.delete,
            ("GET", "/mesh/v1/sync"): self._sync,
            ("GET", "/mesh/v1/status"): self._describe,
            **more,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        settings = self._settings
        request = Request(scope, receive, largest_body=settings.largest_body, body_limit=settings.body_limit)
        try:
            self._guard.check(request.path, request.headers, certified=request.certified)
            answer = await self._answer(request)
        except Problem as problem:
            answer = Reply(problem.status(), problem.code)
        except StoreError as error:
            log.error("%s %s: %s", request.method, request.path, error)
            answer = Reply(Problem(507, str(error)).status(), 507)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            message = f"{request.method} {request.path} failed inside the mesh; its log says more"
            answer = Reply(Problem(500, message).status(), 500)
        await answer.send(request, send)

    async def _answer(self, request: Request) -> Answer:
        own = self._own.get((request.method, request.path))
        if own is not None:
            return await own(request)
        if request.path.startswith("/mesh/"):
            raise _wrong_method(request) if self._is_own(request.path) else unknown(request.path)
        plain = self._plain(request)
        if plain is not None:
            if request.method not in ("GET", "HEAD"):
                raise _wrong_method(request)
            return plain
        computed = await self._computed(request)
        if computed is not None:
            return computed
        return await self._object(find(request.path, self._kinds.registry), request)

    async def _computed(self, request: Request) -> Reply | None:
        """Reviews of who asks, and what pods use."""
        match request.path.strip("/").split("/"):
            case ["apis", group, "v1", plural] if (group, plural) in reviews.REVIEWS:
                if request.method != "POST":
                    raise _wrong_method(request)
                if PROTOBUF in request.headers.get("content-type", ""):
                    # kubectl asks so. The answer is the same whatever is asked, and told in JSON, which it reads too.
                    await request.body()
                    return Reply(reviews.review(group, plural, {}), 201)
                return Reply(reviews.review(group, plural, await request.json_object()), 201)
            case ["apis", usage.GROUP, usage.VERSION, *rest]:
                if request.method != "GET":
                    raise _wrong_method(request)
                labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
                return Reply(await self._used.answer(rest, labels, fields))
        return None

    def _is_own(self, path: str) -> bool:
        return any(path == known for _, known in self._own)

    def _plain(self, request: Request) -> Reply | None:
        """Health, discovery, schemas."""
        path, registry = request.path, self._kinds.registry
        if path in ("/livez", "/readyz", "/healthz"):
            return Reply(b"ok", content_type="text/plain; charset=utf-8")
        if path == "/version":
            return Reply(discovery.version())
        if path in ("/api", "/apis") and discovery.wants_aggregated(request.headers.get("accept", "")):
            body = discovery.aggregated(registry, core=path == "/api")
            return Reply(body, content_type=discovery.AGGREGATED)
        found: Body | bytes | None = None
        match path.strip("/").split("/"):
            case ["api"]:
                return Reply(discovery.core(request.headers.get("host", "")))
            case ["apis"]:
                return Reply(discovery.groups(registry))
            case ["apis", group]:
                found = discovery.group(group, registry)
            case ["api", version]:
                found = discovery.resources("", version, registry)
            case ["apis", group, version]:
                found = discovery.resources(group, version, registry)
            case ["openapi", "v2"]:
                return self._documents.version_two(registry, request.headers.get("accept", ""))
            case ["openapi", "v3"]:
                found = self._documents.index(registry)
            case ["openapi", "v3", "api", version]:
                found = self._documents.document("", version, registry)
            case ["openapi", "v3", "apis", group, version]:
                found = self._documents.document(group, version, registry)
            case _:
                return None
        if found is None:
            raise unknown(path)
        return Reply(found)

    async def _object(self, target: Target, request: Request) -> Answer:
        """Answers for an object, a collection or a subresource."""
        if target.subresource:
            answer = await self._subresource(target, request)
        elif target.name:
            answer = await self._one(target, request)
        else:
            answer = await self._collection(target, request)
        if answer is None:
            raise _wrong_method(request)
        return answer

    async def _collection(self, target: Target, request: Request) -> Answer | None:
        match request.method:
            case "GET":
                return self._reading.list(target, request)
            case "DELETE":
                return await self._writing.delete_collection(target, request)
            case "POST" if target.namespace or not target.info.namespaced:
                return await self._writing.create(target, request)
        return None

    async def _one(self, target: Target, request: Request) -> Answer | None:
        match request.method:
            case "GET":
                watched = request.flag("watch")
                return self._reading.list(target, request) if watched else self._reading.get(target, request)
            case "PUT":
                return await self._writing.update(target, request)
            case "PATCH":
                return await self._writing.patch(target, request)
            case "DELETE":
                return await self._writing.delete(target, request)
        return None

    async def _subresource(self, target: Target, request: Request) -> Answer | None:
        match target.subresource, request.method:
            case "log", "GET":
                return await self._pod_logs.read(target, request)
            case "exec" | "attach" | "portforward", "GET" | "POST":
                return await self._streaming.answer(target, request)
            case "scale", "GET":
                return self._writing.scale(target)
            case "scale", "PUT" | "PATCH":
                return await self._writing.rescale(target, request)
            case "status", "GET":
                return self._reading.get(target)
            case "status", "PUT":
                return await self._writing.update(target, request)
            case "status", "PATCH":
                return await self._writing.patch(target, request)
        return None

    async def _sync(self, request: Request) -> Reply:
        """Waits until Envoy has acknowledged a version (default: the newest). Raises Problem (400, 504)."""
        version = request.number("version")
        seconds = min(float(request.number("timeout") or 30), LONGEST_SYNC)
        wanted = self._store.version if version is None else version
        if wanted > self._store.version:
            raise Problem(400, f"version: {wanted} is not reached; the store is at {self._store.version}")
        try:
            done = await self._plane.acknowledged(wanted, seconds)
        except TimeoutError:
            raise Problem(504, f"Envoy has not acknowledged version {wanted} within {seconds:g} s") from None
        rejected = [
            {
                "resource": each.resource,
                "reason": each.reason,
                "origins": [origin._asdict() for origin in each.origins],
            }
            for each in done.rejected
        ]
        return Reply({"version": done.version, "milliseconds": done.milliseconds, "rejected": rejected})

    async def _describe(self, _request: Request) -> Reply:
        return Reply(self._status())


def _wrong_method(request: Request) -> Problem:
    return Problem(405, f"{request.method} is not something to do with {request.path}")
