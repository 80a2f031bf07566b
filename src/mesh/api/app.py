"""The ASGI application: authenticates, finds the handler, turns problems into Kubernetes' Status objects."""

import logging
from collections.abc import Iterable

from mesh.api.objects.paths import Target, find
from mesh.api.objects.served import ServedKinds
from mesh.api.routes import COLLECTION, OBJECT, ResourceHandler, ResourceRoutes
from mesh.api.settings import ApiSettings
from mesh.api.transport.guard import Guard
from mesh.api.transport.http import Answer, Receive, Reply, Request, Scope, Send
from mesh.api.transport.router import Route, Router, method_not_allowed
from mesh.api.transport.status_errors import Problem
from mesh.store import StoreError

log = logging.getLogger(__name__)


class App:
    """Answers every request by the routing tables of `mesh.api.routes`."""

    def __init__(
        self,
        settings: ApiSettings,
        guard: Guard,
        kinds: ServedKinds,
        routes: Iterable[Route],
        resource_routes: ResourceRoutes,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._kinds = kinds
        self._router = Router(routes)
        self._resource_routes = resource_routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        settings = self._settings
        request = Request(scope, receive, largest_body=settings.largest_body, body_limit=settings.body_limit)
        try:
            if self._guard.check(request.path, request.headers, certified=request.certified):
                request.authenticated()
            answer = await self._answer(request)
        except Problem as problem:
            answer = Reply(problem.status(), problem.code)
        except StoreError as error:
            log.error("%s %s: %s", request.method, request.path, error)
            answer = Reply(Problem(507, str(error)).status(), 507)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            message = f"{request.method} {request.path} failed inside the mesh; see its log"
            answer = Reply(Problem(500, message).status(), 500)
        await answer.send(request, send)

    async def _answer(self, request: Request) -> Answer:
        handler = self._router.find(request)
        if handler is not None:
            return await handler(request)
        target = find(request.path, self._kinds.registry)
        return await self._resource_handler(target, request)(target, request)

    def _resource_handler(self, target: Target, request: Request) -> ResourceHandler:
        """Raises Problem (405)."""
        resource = target.subresource or (OBJECT if target.name else COLLECTION)
        handler = self._resource_routes.get((request.method, resource))
        # An object is created in a namespace: the collection of all namespaces can only be read.
        everywhere = resource == COLLECTION and target.definition.namespaced and not target.namespace
        if handler is None or (everywhere and request.method == "POST"):
            raise method_not_allowed(request)
        return handler
