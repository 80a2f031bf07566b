"""Rows of any host: in which order, what their destinations ask of them, which clusters they name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.virtual_service import VirtualService
from mesh.routing.destinations.directory import MeshService
from mesh.routing.destinations.views import EVERYBODY, cluster_name
from mesh.routing.model.cluster import Cluster
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.security import Access
from mesh.routing.virtual_service.place import Place
from mesh.routing.virtual_service.retry import DEFAULT_RETRY
from mesh.routing.virtual_service.routes import rows


def default_row(service: MeshService, port: ServicePort, view: str = EVERYBODY) -> Route:
    """What a Service does without any rule: all of its ready pods, with Istio's default retries."""
    name = cluster_name(port.port, "", service.host, view)
    action = Forward((WeightedCluster(name),), retry=DEFAULT_RETRY)
    return Route("default", Match(), action, origins=(service.ref,))


def merged_rows(
    bound: Sequence[tuple[VirtualService, Place]], delegates: Mapping[str, VirtualService]
) -> Iterable[tuple[Route, Place]]:
    """The rows of all rules for one host: older rules before younger ones, and of several rules what matches every
    request last, so that no rule hides another's matches (Istio merges VirtualServices so)."""
    merged = [(row, place) for rule, place in bound for row in rows(rule, place, delegates)]
    if len(bound) > 1:
        merged.sort(key=lambda pair: pair[0].match == Match())
    return merged


def with_destinations(routes: Iterable[Route], clusters: Mapping[str, Cluster]) -> tuple[Route, ...]:
    """Rows with what their destinations ask of them: what a consistent hash is computed from, who may call, which
    tokens must be valid. Envoy has these on routes and not on clusters."""
    return tuple(_with_destinations(route, clusters) for route in routes)


def _with_destinations(row: Route, clusters: Mapping[str, Cluster]) -> Route:
    action = row.action
    if not isinstance(action, Forward):
        return row
    to = [clusters[destination.cluster] for destination in action.to if destination.cluster in clusters]
    if hash_on := tuple(dict.fromkeys(cluster.hash_on for cluster in to if cluster.hash_on is not None)):
        row = replace(row, action=replace(action, hash_on=hash_on))
    for access in dict.fromkeys(cluster.access for cluster in to if cluster.access is not None):
        row = with_access(row, access)
    if requirement := tuple(dict.fromkeys(name for cluster in to for name in cluster.authentication)):
        row = replace(row, authentication=requirement)
    return row


def with_access(row: Route, access: Access) -> Route:
    """A row that also asks for this access; a refusal by Envoy is shown on the policies too."""
    return replace(row, access=(*row.access, access), origins=tuple(dict.fromkeys((*row.origins, *access.origins))))


def clusters_forwarded(routes: Iterable[Route]) -> tuple[str, ...]:
    """The clusters that rows send requests to, each once."""
    actions = [route.action for route in routes if isinstance(route.action, Forward)]
    return tuple(dict.fromkeys(destination.cluster for action in actions for destination in action.to))


def clusters_named(routes: Sequence[Route]) -> tuple[str, ...]:
    """The clusters that rows send or copy requests to, each once."""
    actions = [route.action for route in routes if isinstance(route.action, Forward)]
    copies = (cluster for action in actions for cluster, _ in action.mirrors)
    return tuple(dict.fromkeys((*clusters_forwarded(routes), *copies)))
