"""Bytes passed on as they come: the TCP proxy and its access log."""

from collections.abc import Sequence

from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2

from mesh.envoy.encode.access_log import connection_log
from mesh.envoy.encode.protobuf import duration, packed
from mesh.routing.model.listener import Role
from mesh.routing.model.route import WeightedCluster

# Seconds after which a connection that stays open is logged again, with its bytes until then.
LOG_AGAIN = 10.0


def tcp_proxy(
    role: Role, clusters: Sequence[WeightedCluster], *, captured: bool, logged: bool
) -> tcp_proxy_pb2.TcpProxy:
    """Bytes to one cluster, or to several by their weights, chosen anew for each connection."""
    proxy = tcp_proxy_pb2.TcpProxy(stat_prefix=role.value)
    if len(clusters) == 1:
        proxy.cluster = clusters[0].cluster
    else:
        for share in clusters:
            proxy.weighted_clusters.clusters.add(name=share.cluster, weight=share.weight)
    if logged:
        log = packed(connection_log(captured=captured))
        proxy.access_log.add(name="envoy.access_loggers.tcp_grpc").typed_config.CopyFrom(log)
        proxy.access_log_options.access_log_flush_interval.CopyFrom(duration(LOG_AGAIN))
    return proxy
