"""The routing table of the API: every path that is served, and what answers it.

Two tables, because the paths of objects are data: which group, version, kind and subresource exist is in the registry
of kinds, to which users add by CustomResourceDefinitions. A path that is not in the first table is therefore taken
apart by `mesh.api.objects.paths`, and the second table says what answers.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from mesh.api.mesh_v1.apply import Apply
from mesh.api.mesh_v1.observe import Observe
from mesh.api.mesh_v1.sync import Sync
from mesh.api.meta import reviews
from mesh.api.meta.endpoints import Meta
from mesh.api.meta.health import Health
from mesh.api.node import resource_metrics
from mesh.api.node.pod_logs import PodLogs
from mesh.api.node.resource_metrics import ResourceMetrics
from mesh.api.objects.account_tokens import AccountTokens
from mesh.api.objects.deleting import Deleting
from mesh.api.objects.ephemeral_containers import EphemeralContainers
from mesh.api.objects.eviction import Evicting
from mesh.api.objects.patching import Patching
from mesh.api.objects.paths import WATCH, Target
from mesh.api.objects.reading import Reading
from mesh.api.objects.scaling import Scaling
from mesh.api.objects.updating import Updating
from mesh.api.streaming.pod_streams import PodStreaming
from mesh.api.transport.http import Answer, Handler, Request
from mesh.api.transport.router import READ, Route

GET, POST = ("GET",), ("POST",)
METRICS = f"/apis/{resource_metrics.GROUP}/{resource_metrics.VERSION}"

ResourceHandler = Callable[[Target, Request], Awaitable[Answer]]
ResourceRoutes = Mapping[tuple[str, str], ResourceHandler]
"""By method and what the path names: COLLECTION, OBJECT, or a subresource."""

COLLECTION, OBJECT = "", "{name}"


@dataclass(frozen=True, slots=True)
class Handlers:
    """Everything that answers requests. `observe` is None where requests are not followed."""

    meta: Meta
    health: Health
    resource_metrics: ResourceMetrics
    reading: Reading
    updating: Updating
    patching: Patching
    deleting: Deleting
    evicting: Evicting
    scaling: Scaling
    ephemeral_containers: EphemeralContainers
    account_tokens: AccountTokens
    pod_logs: PodLogs
    streaming: PodStreaming
    apply: Apply
    sync: Sync
    status: Handler
    observe: Observe | None


def path_routes(handlers: Handlers) -> Sequence[Route]:
    """The paths that do not name objects of the store."""
    meta, metrics = handlers.meta, handlers.resource_metrics
    routes = [
        Route(READ, "/livez", handlers.health.live),
        Route(READ, "/readyz", handlers.health.ready),
        Route(READ, "/healthz", handlers.health.ready),
        Route(READ, "/version", meta.version),
        Route(READ, "/api", meta.core),
        Route(READ, "/api/{version}", meta.resources),
        Route(READ, "/apis", meta.groups),
        Route(READ, "/apis/{group}", meta.group),
        Route(READ, "/apis/{group}/{version}", meta.resources),
        Route(READ, "/openapi/v2", meta.openapi_v2),
        Route(READ, "/openapi/v3", meta.openapi_v3),
        Route(READ, "/openapi/v3/api/{version}", meta.openapi_v3_document),
        Route(READ, "/openapi/v3/apis/{group}/{version}", meta.openapi_v3_document),
        *(Route(POST, f"/apis/{group}/v1/{plural}", meta.review) for group, plural in reviews.REVIEWS),
        Route(POST, reviews.LOCAL_PATH, meta.local_review),
        Route(GET, f"{METRICS}/nodes", metrics.nodes),
        Route(GET, f"{METRICS}/nodes/{{name}}", metrics.node),
        Route(GET, f"{METRICS}/pods", metrics.pods),
        Route(GET, f"{METRICS}/namespaces/{{namespace}}/pods", metrics.pods),
        Route(GET, f"{METRICS}/namespaces/{{namespace}}/pods/{{name}}", metrics.pod),
        Route(POST, "/mesh/v1/apply", handlers.apply.apply),
        Route(POST, "/mesh/v1/delete", handlers.apply.delete),
        Route(GET, "/mesh/v1/sync", handlers.sync.wait),
        Route(GET, "/mesh/v1/status", handlers.status),
    ]
    return routes if handlers.observe is None else [*routes, *_observe_routes(handlers.observe)]


def _observe_routes(observe: Observe) -> Sequence[Route]:
    return [
        Route(GET, "/metrics", observe.metrics),
        Route(GET, "/mesh/v1/requests", observe.request),
        Route(GET, "/mesh/v1/traces", observe.traces),
        Route(GET, "/mesh/v1/topology", observe.topology),
        Route(GET, "/mesh/v1/series", observe.series),
        Route(GET, "/mesh/v1/failures", observe.failures),
        Route(GET, "/mesh/v1/rules", observe.rules),
        Route(POST, "/mesh/v1/route", observe.route),
        Route(GET, "/mesh/v1/stream", observe.stream),
    ]


def resource_routes(handlers: Handlers) -> ResourceRoutes:
    """The objects of the store: `/api/v1/...` and `/apis/{group}/{version}/...`."""
    reading, streaming = handlers.reading, handlers.streaming
    return {
        ("GET", COLLECTION): reading.list,
        ("POST", COLLECTION): handlers.updating.create,
        ("DELETE", COLLECTION): handlers.deleting.delete_collection,
        ("GET", OBJECT): reading.get,
        ("PUT", OBJECT): handlers.updating.update,
        ("PATCH", OBJECT): handlers.patching.patch,
        ("DELETE", OBJECT): handlers.deleting.delete,
        ("GET", "status"): reading.get_status,
        ("PUT", "status"): handlers.updating.update,
        ("PATCH", "status"): handlers.patching.patch,
        ("GET", "scale"): handlers.scaling.get,
        ("PUT", "scale"): handlers.scaling.update,
        ("PATCH", "scale"): handlers.scaling.update,
        ("GET", "ephemeralcontainers"): reading.get_status,
        ("PUT", "ephemeralcontainers"): handlers.ephemeral_containers.update,
        ("PATCH", "ephemeralcontainers"): handlers.ephemeral_containers.update,
        ("POST", "token"): handlers.account_tokens.create,
        ("GET", WATCH): reading.watch,
        ("POST", "eviction"): handlers.evicting.evict,
        ("GET", "log"): handlers.pod_logs.read,
        # A WebSocket begins with GET, SPDY with POST.
        ("GET", "exec"): streaming.exec,
        ("POST", "exec"): streaming.exec,
        ("GET", "attach"): streaming.attach,
        ("POST", "attach"): streaming.attach,
        ("GET", "portforward"): streaming.port_forward,
        ("POST", "portforward"): streaming.port_forward,
    }
