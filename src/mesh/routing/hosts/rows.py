"""Rows of any host: in which order, what their destinations ask of them, which clusters they name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.meta import ref_of
from mesh.routing.destinations.directory import MeshService
from mesh.routing.destinations.views import EVERYBODY, cluster_name
from mesh.routing.model.cluster import Cluster
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Respond, Route, WeightedCluster
from mesh.routing.model.security import Access
from mesh.routing.virtual_service.place import Place
from mesh.routing.virtual_service.retry import DEFAULT_RETRY
from mesh.routing.virtual_service.routes import rows, takes_everything


def default_row(service: MeshService, port: ServicePort, view: str = EVERYBODY) -> Route:
    """What a Service does without any rule: all of its ready pods, with Istio's default retries."""
    name = cluster_name(port.port, "", service.host, view)
    action = Forward((WeightedCluster(name),), retry=DEFAULT_RETRY)
    return Route("default", Match(), action, origins=(service.ref,))


def merged_rows(
    bound: Sequence[tuple[VirtualService, Place]], delegates: Mapping[str, VirtualService]
) -> Iterable[tuple[Route, Place]]:
    """The rows of all rules that gateways bind to one host: older rules before younger ones, and what matches every
    request last, so that no rule hides another's matches (Istio merges VirtualServices so)."""
    merged = [(row, place) for rule, place in bound for row in rows(rule, place, delegates)]
    merged.sort(key=lambda pair: takes_everything(pair[0].match))
    return merged


class Chained(NamedTuple):
    """The rows of a host of the mesh; `complete`: they decide for every caller, so that nothing comes after them."""

    rows: tuple[Route, ...]
    complete: bool


def chained_rows(rules: Sequence[VirtualService], place: Place, delegates: Mapping[str, VirtualService]) -> Chained:
    """The rows of the first rule that has any for the caller (Istio: one VirtualService counts for a host).

    A pod's labels decide too, and pods of a namespace share a table: after rows that are for some labels alone, these
    callers get 404, and the next rule is for the others.
    """
    chained: list[Route] = []
    for rule in rules:
        of_rule = tuple(rows(rule, place, delegates))
        chained += of_rule
        labels = dict.fromkeys(row.match.source_labels for row in of_rule)
        if () in labels:
            return Chained(tuple(chained), complete=True)
        name = f"{rule.metadata.namespace}/{rule.metadata.name}[no route]"
        none = Route(name, Match(), Respond(404), origins=(ref_of(rule),))
        chained += (replace(none, match=Match(source_labels=pairs)) for pairs in labels)
    return Chained(tuple(chained), complete=False)


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
