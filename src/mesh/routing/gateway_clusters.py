"""What gateways send to ports that do not say what they speak: HTTP/1.1, as with Istio. Pure.

Inside the mesh a request goes on in the version of HTTP that it came in. A browser speaks HTTP/2 with a gateway
whatever the pods behind understand, so gateways have clusters of their own for such ports.
"""

from collections.abc import Mapping
from dataclasses import replace

from mesh.routing.hosts.rows import clusters_named
from mesh.routing.model.cluster import Cluster
from mesh.routing.model.route import Forward, Route
from mesh.routing.model.table import VirtualHost


def gateway_cluster(name: str) -> str:
    """The name of a cluster as gateways use it: `outbound|80|v1@gateway|web.shop.svc.cluster.local`."""
    head, bar, host = name.rpartition("|")
    return f"{head}@gateway{bar}{host}"


def http1_clusters(host: VirtualHost, clusters: Mapping[str, Cluster]) -> Mapping[str, str]:
    """The clusters of detected ports that a host's rows go to, or what branches replace them by, with the names of
    those that gateways have instead. A port whose policy says to use the client's protocol keeps it."""
    names = dict.fromkeys(clusters_named(host.routes))
    names |= dict.fromkeys(name for override in host.overrides for pair in override.swap for name in pair)
    return {name: gateway_cluster(name) for name in names if name in clusters and _is_detected(clusters[name])}


def _is_detected(cluster: Cluster) -> bool:
    return cluster.detected and not cluster.pool.use_client_protocol


def with_clusters(host: VirtualHost, names: Mapping[str, str]) -> VirtualHost:
    """A host with other clusters, in its rows and in what branches replace."""
    overrides = tuple(
        replace(
            override, swap=tuple((names.get(former, former), names.get(name, name)) for former, name in override.swap)
        )
        for override in host.overrides
    )
    return replace(host, routes=tuple(_renamed(row, names) for row in host.routes), overrides=overrides)


def _renamed(row: Route, names: Mapping[str, str]) -> Route:
    if not isinstance(row.action, Forward):
        return row
    to = tuple(replace(share, cluster=names.get(share.cluster, share.cluster)) for share in row.action.to)
    mirrors = tuple((names.get(cluster, cluster), percent) for cluster, percent in row.action.mirrors)
    return replace(row, action=replace(row.action, to=to, mirrors=mirrors))
