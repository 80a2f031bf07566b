"""VirtualService.http[].route: destinations with their weights."""

from mesh.resources.istio.virtual_service import HTTPRoute
from mesh.resources.values.durations import seconds
from mesh.routing.model.route import Forward, Respond, WeightedCluster
from mesh.routing.virtual_service.headers import header_changes
from mesh.routing.virtual_service.mirror import mirrors_of
from mesh.routing.virtual_service.place import Place
from mesh.routing.virtual_service.retry import retry_of
from mesh.routing.virtual_service.rewrite import rewrite_of


def forward_of(route: HTTPRoute, namespace: str, place: Place) -> Forward | Respond:
    """Where requests go. A missing Service gets its share, which is answered with 503, unless all are missing."""
    to: list[WeightedCluster] = []
    missing: list[str] = []
    for entry in route.route:
        # Istio ignores the weight of a single destination.
        weight = entry.weight if len(route.route) > 1 else 100
        if weight == 0:
            continue
        cluster = place.names.existing(entry.destination, namespace)
        if cluster is None:
            missing.append(entry.destination.host)
            cluster = place.names.always(entry.destination, namespace)
        to.append(WeightedCluster(cluster, weight, header_changes(entry.headers)))
    # Envoy's CORS filter answers preflights of rows that forward; a direct response would answer them itself.
    if len(missing) == len(to) and route.cors_policy is None:
        return Respond(503, f"no Service is named {', '.join(missing)}")
    return Forward(
        to=tuple(to),
        timeout=(seconds(route.timeout) or None) if route.timeout else None,
        retry=retry_of(route.retries),
        rewrite=rewrite_of(route),
        mirrors=tuple(mirrors_of(route, namespace, place)),
    )
