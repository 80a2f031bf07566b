"""The cluster and filter by which requests for hosts that the mesh does not know go where they ask to go.

Envoy's dynamic forward proxy: a name is looked up when the first request for it comes, and that request alone waits.
"""

from envoy.config.cluster.v3 import cluster_pb2
from envoy.extensions.clusters.dynamic_forward_proxy.v3 import cluster_pb2 as dynamic_pb2
from envoy.extensions.common.dynamic_forward_proxy.v3 import dns_cache_pb2
from envoy.extensions.filters.http.dynamic_forward_proxy.v3 import dynamic_forward_proxy_pb2

from mesh.envoy.encode.protobuf import duration

FILTER = "envoy.filters.http.dynamic_forward_proxy"
# Names kept at once, and seconds: after the last use of a name, and for a look-up.
MOST_NAMES, KEPT, LOOK_UP = 1024, 300, 5


def encode_passthrough(message: cluster_pb2.Cluster) -> None:
    """Makes a cluster one that connects to whatever host a request names."""
    message.ClearField("type")
    message.ClearField("eds_cluster_config")
    message.lb_policy = cluster_pb2.Cluster.CLUSTER_PROVIDED
    message.cluster_type.name = "envoy.clusters.dynamic_forward_proxy"
    # No TLS is spoken here, so there is no name to be checked.
    message.cluster_type.typed_config.Pack(
        dynamic_pb2.ClusterConfig(dns_cache_config=_names(), allow_insecure_cluster_options=True)
    )


def passthrough_filter() -> dynamic_forward_proxy_pb2.FilterConfig:
    """Looks the names up; it must stand before the router."""
    return dynamic_forward_proxy_pb2.FilterConfig(dns_cache_config=_names())


def _names() -> dns_cache_pb2.DnsCacheConfig:
    message = dns_cache_pb2.DnsCacheConfig(
        name="outside",
        dns_lookup_family=cluster_pb2.Cluster.V4_PREFERRED,
        host_ttl=duration(KEPT),
        dns_query_timeout=duration(LOOK_UP),
    )
    message.max_hosts.value = MOST_NAMES
    return message
