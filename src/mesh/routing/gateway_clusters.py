"""Clusters as gateways use them, where they differ from those of the mesh. Pure.

Inside the mesh a request goes on in the version of HTTP that it came in. A browser speaks HTTP/2 with a gateway
whatever the pods behind understand, so gateways have clusters of their own for ports that do not say what they speak:
they speak HTTP/1.1 there, as with Istio. And a BackendTLSPolicy says what gateways speak, not pods.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from mesh.routing.hosts.rows import clusters_named
from mesh.routing.model.cluster import Cluster, Group
from mesh.routing.model.route import Forward, Route
from mesh.routing.model.table import VirtualHost

# What stands for a cluster at a gateway, by the cluster's name and that of the cluster that rules name: a branch may
# have put the former in its place. None where the cluster itself is used.
Variant = Callable[[str, str], Group | None]


def gateway_cluster(name: str, label: str = "gateway") -> str:
    """The name of a cluster as gateways use it: `outbound|80|v1@gateway|web.shop.svc.cluster.local`."""
    head, bar, host = name.rpartition("|")
    return f"{head}@{label}{bar}{host}"


def http1_groups(groups: Mapping[str, Group]) -> Variant:
    """HTTP/1.1 for ports that do not say what they speak. A port whose policy says to use the client's protocol keeps
    it."""

    def variant(name: str, _: str) -> Group | None:
        group = groups.get(name)
        if group is None or not is_detected(group[0]):
            return None
        # A cluster detects the protocol only where the client's may be passed on; here it is HTTP/1.1 whatever it was.
        return replace(group[0], name=gateway_cluster(name), detected=False), group[1]

    return variant


def is_detected(cluster: Cluster) -> bool:
    """Whether requests go on in the version of HTTP that they came in, and nobody asked for it."""
    return cluster.detected and not cluster.pool.use_client_protocol


def with_variants(host: VirtualHost, variant: Variant) -> tuple[VirtualHost, Mapping[str, Group]]:
    """A host with the clusters that a gateway has instead, in its rows and in what branches replace; and those."""
    pairs = {name: name for name in clusters_named(host.routes)}
    for override in host.overrides:
        for former, name in override.swap:
            pairs.setdefault(former, former)
            pairs[name] = former or name
    groups = {name: group for name, ruled in pairs.items() if name and (group := variant(name, ruled)) is not None}
    if not groups:
        return host, {}
    names = {name: cluster.name for name, (cluster, _) in groups.items()}
    return _with_clusters(host, names), {group[0].name: group for group in groups.values()}


def _with_clusters(host: VirtualHost, names: Mapping[str, str]) -> VirtualHost:
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
