"""Where TLSRoutes, TCPRoutes and UDPRoutes send connections and datagrams. Pure."""

from collections.abc import Iterator, Sequence

from mesh.resources.istio.common import PortSelector
from mesh.resources.istio.virtual_service import Destination
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.gateway_api.attachment import GatewayApi
from mesh.routing.gateway_api.listeners import ServedListener
from mesh.routing.gateway_api.references import StreamRoute, backend_host
from mesh.routing.model.listener import FilterChain, TlsTermination
from mesh.routing.model.route import WeightedCluster
from mesh.routing.virtual_service.tls import ClusterOf

# A cluster that never has endpoints: Envoy closes connections to it.
NOWHERE = "nowhere"


def shares_of(route: StreamRoute, api: GatewayApi, cluster_of: ClusterOf) -> tuple[WeightedCluster, ...]:
    """The clusters of a route with their weights. The share of backends that cannot be used is closed."""
    shares = []
    for ref in (ref for rule in route.spec.rules for ref in rule.backend_refs if ref.weight):
        if api.references.wrong_backend(route, ref) is not None:
            shares.append(WeightedCluster(NOWHERE, ref.weight))
        else:
            destination = Destination(host=backend_host(route, ref), port=PortSelector(number=ref.port))
            shares.append(WeightedCluster(cluster_of(destination, route.metadata.namespace), ref.weight))
    return tuple(shares) or (WeightedCluster(NOWHERE),)


def stream_of(
    served: ServedListener, api: GatewayApi, cluster_of: ClusterOf
) -> tuple[tuple[WeightedCluster, ...], tuple[Ref, ...]]:
    """Where a TCP listener sends everything: to the backends of its oldest route, as the specification says of
    several for one listener."""
    for route, _ in api.bound_routes(served):
        assert isinstance(route, StreamRoute)
        return shares_of(route, api, cluster_of), (ref_of(route),)
    return (WeightedCluster(NOWHERE),), ()


def tls_chains(
    served: ServedListener, termination: TlsTermination | None, api: GatewayApi, cluster_of: ClusterOf
) -> Iterator[FilterChain]:
    """What a TLS listener does by the name that a client asks for; names that no route has are closed."""
    origin = ref_of(served.owner)
    for route, names in api.bound_routes(served):
        assert isinstance(route, StreamRoute)
        yield FilterChain(names, termination, shares_of(route, api, cluster_of), (origin, ref_of(route)))
    yield FilterChain((served.hostname,), termination, (WeightedCluster(NOWHERE),), (origin,))


def without_repeated_names(chains: Sequence[FilterChain]) -> tuple[FilterChain, ...]:
    """Of several chains for one name, the first counts: Envoy refuses a listener with two."""
    seen: set[str] = set()
    kept = []
    for chain in chains:
        names = tuple(name for name in dict.fromkeys(chain.names) if name not in seen)
        seen.update(names)
        if names:
            kept.append(FilterChain(names, chain.terminate, chain.to, chain.origins, chain.access, chain.table))
    return tuple(kept)
