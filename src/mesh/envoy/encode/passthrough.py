"""The clusters and the filter by which what the mesh does not know goes where it asks to go.

On loopback by the host that a request names, with Envoy's dynamic forward proxy: a name is looked up when the first
request for it comes, and that request alone waits. With network namespaces to where the connection was going: a pod, or
by way of the edge what is outside.
"""

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import base_pb2, proxy_protocol_pb2
from envoy.extensions.clusters.dynamic_forward_proxy.v3 import cluster_pb2 as dynamic_pb2
from envoy.extensions.common.dynamic_forward_proxy.v3 import dns_cache_pb2
from envoy.extensions.filters.http.dynamic_forward_proxy.v3 import dynamic_forward_proxy_pb2
from envoy.extensions.transport_sockets.proxy_protocol.v3 import upstream_proxy_protocol_pb2
from envoy.extensions.transport_sockets.raw_buffer.v3 import raw_buffer_pb2

from mesh.envoy.encode.protobuf import duration, packed

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


def encode_original_destination(message: cluster_pb2.Cluster, header: str = "") -> None:
    """Makes a cluster one that connects to where the client's connection was going, or where a header says."""
    message.ClearField("eds_cluster_config")
    message.type = cluster_pb2.Cluster.ORIGINAL_DST
    message.lb_policy = cluster_pb2.Cluster.CLUSTER_PROVIDED
    if header:
        message.original_dst_lb_config.use_http_header = True
        message.original_dst_lb_config.http_header_name = header


def encode_egress(message: cluster_pb2.Cluster, socket: str) -> None:
    """Makes a cluster one that goes to the edge, with PROXY protocol: it says where the connection was going.

    Envoy keeps a pool of connections for each pair of addresses in that header, so that none is used for another.
    """
    message.ClearField("eds_cluster_config")
    message.type = cluster_pb2.Cluster.STATIC
    message.load_assignment.cluster_name = message.name
    message.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address.pipe.path = socket
    message.transport_socket.CopyFrom(proxied())


def proxied() -> base_pb2.TransportSocket:
    """Plain bytes behind a PROXY protocol header, version 2."""
    plain = base_pb2.TransportSocket(name="envoy.transport_sockets.raw_buffer")
    plain.typed_config.CopyFrom(packed(raw_buffer_pb2.RawBuffer()))
    transport = upstream_proxy_protocol_pb2.ProxyProtocolUpstreamTransport(transport_socket=plain)
    transport.config.version = proxy_protocol_pb2.ProxyProtocolConfig.V2
    socket = base_pb2.TransportSocket(name="envoy.transport_sockets.upstream_proxy_protocol")
    socket.typed_config.CopyFrom(packed(transport))
    return socket


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
