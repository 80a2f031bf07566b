"""UDP as Envoy takes it: a proxy of datagrams, and the tunnel by which the edge passes them into the mesh.

Datagrams cannot pass from one network namespace to another by a Unix socket as connections do. The edge puts those of
each client into a request of HTTP/2 (CONNECT-UDP, RFC 9298), and the mesh's Envoy takes them out again.
"""

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as hcm
from envoy.extensions.filters.udp.udp_proxy.session.http_capsule.v3 import http_capsule_pb2
from envoy.extensions.filters.udp.udp_proxy.v3 import route_pb2, udp_proxy_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from mesh.envoy.encode.protobuf import duration, packed

FILTER = "envoy.filters.udp_listener.udp_proxy"
UPGRADE = "CONNECT-UDP"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# A client that has sent nothing for this long is a new one after that, and may get another pod.
IDLE = 60.0


def datagram_proxy(message: listener_pb2.Listener, cluster: str, prefix: str) -> udp_proxy_pb2.UdpProxyConfig:
    """Makes a listener take datagrams, for one cluster. Returns the configuration that it was given."""
    # Without it each worker but one would have no socket.
    message.enable_reuse_port.value = True
    message.udp_listener_config.SetInParent()
    proxy = udp_proxy_pb2.UdpProxyConfig(stat_prefix=prefix, idle_timeout=duration(IDLE))
    action = proxy.matcher.on_no_match.action
    action.name = "route"
    action.typed_config.CopyFrom(packed(route_pb2.Route(cluster=cluster)))
    return proxy


def add_datagram_proxy(message: listener_pb2.Listener, proxy: udp_proxy_pb2.UdpProxyConfig) -> None:
    """Adds the proxy to its listener."""
    message.listener_filters.add(name=FILTER).typed_config.CopyFrom(packed(proxy))


def tunnelled(proxy: udp_proxy_pb2.UdpProxyConfig) -> None:
    """Makes a proxy put datagrams into requests of its cluster, which leads to the tunnel's other end."""
    proxy.tunneling_config.proxy_host = "mesh"
    proxy.tunneling_config.target_host = "mesh"
    proxy.tunneling_config.default_target_port = 1
    # Without it the bytes of datagrams would follow each other, and nobody could tell where one ends (RFC 9297).
    capsules = proxy.session_filters.add(name="envoy.filters.udp.session.http_capsule")
    capsules.typed_config.CopyFrom(packed(http_capsule_pb2.FilterConfig()))
    # Datagrams that arrive before the tunnel is open: a client sends one and waits for the answer.
    proxy.tunneling_config.buffer_options.SetInParent()


def tunnel_cluster(message: cluster_pb2.Cluster) -> None:
    """Makes a cluster speak what tunnels need."""
    options = http_protocol_options_pb2.HttpProtocolOptions()
    options.explicit_http_config.http2_protocol_options.allow_connect = True
    message.typed_extension_protocol_options[HTTP_OPTIONS].Pack(options)


def tunnel_end(cluster: str, prefix: str) -> hcm.HttpConnectionManager:
    """The other end: takes datagrams out of requests and sends them to the cluster."""
    manager = hcm.HttpConnectionManager(stat_prefix=prefix, codec_type=hcm.HttpConnectionManager.HTTP2)
    manager.http2_protocol_options.allow_connect = True
    manager.upgrade_configs.add(upgrade_type=UPGRADE)
    manager.stream_idle_timeout.CopyFrom(duration(0))
    host = manager.route_config.virtual_hosts.add(name="datagrams", domains=["*"])
    route = route_components_pb2.Route()
    route.match.connect_matcher.SetInParent()
    route.route.cluster = cluster
    route.route.timeout.CopyFrom(duration(0))
    upgrade = route.route.upgrade_configs.add(upgrade_type=UPGRADE)
    upgrade.connect_config.SetInParent()
    host.routes.append(route)
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.CopyFrom(packed(router_pb2.Router()))
    return manager
