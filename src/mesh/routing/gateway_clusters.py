"""What gateways send to ports that do not say what they speak: HTTP/1.1, as with Istio. Pure.

Inside the mesh a request goes on in the version of HTTP that it came in. A browser speaks HTTP/2 with a gateway
whatever the pods behind understand, so gateways have clusters of their own for such ports.
"""

from collections.abc import Mapping
from dataclasses import replace

from mesh.routing.model.cluster import Cluster, Endpoint
from mesh.routing.model.route import Forward, Route
from mesh.routing.model.table import VirtualHost


def gateway_cluster(name: str) -> str:
    """The name of a cluster as gateways use it: `outbound|80|v1@gateway|web.shop.svc.cluster.local`."""
    head, bar, host = name.rpartition("|")
    return f"{head}@gateway{bar}{host}"


class GatewayClusters:
    """Replaces detected clusters where gateways name them, and adds what they are replaced by."""

    def __init__(self, clusters: dict[str, Cluster], endpoints: dict[str, tuple[Endpoint, ...]]) -> None:
        self._clusters = clusters
        self._endpoints = endpoints

    def replaced(self, host: VirtualHost) -> VirtualHost:
        """A gateway's host with HTTP/1.1 where its rows, or what branches put in their place, go to detected ports."""
        names = {name for row in host.routes for name in _clusters_of(row)}
        names |= {name for override in host.overrides for pair in override.swap for name in pair}
        detected = {name: self._added(name) for name in names if self._is_detected(name)}
        if not detected:
            return host
        overrides = tuple(
            replace(
                override,
                swap=tuple((detected.get(former, former), detected.get(name, name)) for former, name in override.swap),
            )
            for override in host.overrides
        )
        routes = tuple(_renamed(row, detected) for row in host.routes)
        return replace(host, routes=routes, overrides=overrides)

    def _is_detected(self, name: str) -> bool:
        cluster = self._clusters.get(name)
        return cluster is not None and cluster.detected and not cluster.pool.use_client_protocol

    def _added(self, name: str) -> str:
        own = gateway_cluster(name)
        if own not in self._clusters:
            self._clusters[own] = replace(self._clusters[name], name=own, detected=False)
            self._endpoints[own] = self._endpoints[name]
        return own


def _clusters_of(row: Route) -> tuple[str, ...]:
    if not isinstance(row.action, Forward):
        return ()
    return (*(share.cluster for share in row.action.to), *(cluster for cluster, _ in row.action.mirrors))


def _renamed(row: Route, names: Mapping[str, str]) -> Route:
    if not isinstance(row.action, Forward):
        return row
    to = tuple(replace(share, cluster=names.get(share.cluster, share.cluster)) for share in row.action.to)
    mirrors = tuple((names.get(cluster, cluster), percent) for cluster, percent in row.action.mirrors)
    return replace(row, action=replace(row.action, to=to, mirrors=mirrors))
