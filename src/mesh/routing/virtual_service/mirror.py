"""VirtualService.http[].mirrors, and the older `mirror`."""

from collections.abc import Iterator

from mesh.resources.istio.common import Percent
from mesh.resources.istio.virtual_service import Destination, HTTPRoute
from mesh.routing.virtual_service.place import Place


def mirrors_of(route: HTTPRoute, namespace: str, place: Place) -> Iterator[tuple[str, float]]:
    """Clusters with the percentage of requests that are copied there. A destination that is missing gets no copies."""
    for destination, percentage in _mirrors(route):
        cluster = place.names.existing(destination, namespace)
        if cluster is not None:
            yield cluster, percentage.value if percentage is not None else 100.0


def _mirrors(route: HTTPRoute) -> Iterator[tuple[Destination, Percent | None]]:
    if route.mirror is not None:
        percentage = route.mirror_percentage
        if percentage is None and route.mirror_percent is not None:
            percentage = Percent(value=float(route.mirror_percent))
        yield route.mirror, percentage
    for mirror in route.mirrors:
        yield mirror.destination, mirror.percentage
