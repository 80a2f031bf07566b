"""Clusters, endpoints and listeners to Envoy's messages; routes are in `encode_route`."""

from collections.abc import Sequence

from envoy.config.cluster.v3 import cluster_pb2, outlier_detection_pb2
from envoy.config.core.v3 import config_source_pb2
from envoy.config.endpoint.v3 import endpoint_components_pb2, endpoint_pb2
from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from envoy.extensions.access_loggers.grpc.v3 import als_pb2
from envoy.extensions.filters.common.set_filter_state.v3 import value_pb2
from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as hcm
from envoy.extensions.filters.network.set_filter_state.v3 import set_filter_state_pb2
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from envoy.extensions.upstreams.tcp.v3 import tcp_protocol_options_pb2

from mesh.envoy.encode.access import FILTER as ACCESS_FILTER
from mesh.envoy.encode.authentication import FILTER_TYPE
from mesh.envoy.encode.branches import FILTER as BRANCH_FILTER
from mesh.envoy.encode.branches import branch_filter, packed
from mesh.envoy.encode.passthrough import FILTER as PASSTHROUGH_FILTER
from mesh.envoy.encode.passthrough import encode_passthrough, passthrough_filter
from mesh.envoy.encode.routes import CORS_FILTER, FAULT_FILTER, SOURCE_KEY, duration, source_token
from mesh.envoy.encode.tls import downstream_tls, upstream_tls
from mesh.envoy.process.bootstrap import CONTROL_CLUSTER
from mesh.resources.meshmall.branch import HEADER
from mesh.routing.security.authentication import ROWS
from mesh.routing.table import Balance, Chain, Cluster, Endpoint, Listener, Role, Source, Weighted

CONNECT_TIMEOUT = 5.0
# Below the keep-alive of the servers behind (5 s in uvicorn and node), so that Envoy lets go of an idle
# connection first and never sends into one that is being closed.
UPSTREAM_IDLE = 4.0
STREAM_IDLE = 300.0
HEADERS_LIMIT = 30.0
UNLIMITED = 2**32 - 1
# What Envoy advises for listeners that anybody can reach.
MOST_STREAMS = 100
BALANCE = {
    Balance.ROUND_ROBIN: cluster_pb2.Cluster.ROUND_ROBIN,
    Balance.LEAST_REQUEST: cluster_pb2.Cluster.LEAST_REQUEST,
    Balance.RANDOM: cluster_pb2.Cluster.RANDOM,
    Balance.PASSTHROUGH: cluster_pb2.Cluster.ROUND_ROBIN,
    Balance.RING_HASH: cluster_pb2.Cluster.RING_HASH,
    Balance.MAGLEV: cluster_pb2.Cluster.MAGLEV,
}
LOGGED_HEADERS = ("traceparent", HEADER)
# Seconds and bytes after which Envoy tells what ended.
LOG_FLUSH, LOG_BUFFER = 0.1, 64 << 10
# What Istio's own ingress gateway is to rules that ask who calls.
INGRESS = Source("istio-system", "istio-ingressgateway", (), service_account="istio-ingressgateway-service-account")
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TCP_OPTIONS = "envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions"


def ads() -> config_source_pb2.ConfigSource:
    """Where the rest of a resource comes from: the same stream."""
    source = config_source_pb2.ConfigSource(resource_api_version=config_source_pb2.V3)
    source.ads.SetInParent()
    return source


def encode_cluster(cluster: Cluster) -> cluster_pb2.Cluster:
    """A group of endpoints that come by EDS."""
    pool = cluster.pool
    message = cluster_pb2.Cluster(
        name=cluster.name,
        type=cluster_pb2.Cluster.EDS,
        lb_policy=BALANCE[cluster.balance],
        connect_timeout=duration(pool.connect_timeout or CONNECT_TIMEOUT),
        ignore_health_on_host_removal=True,
    )
    message.eds_cluster_config.eds_config.CopyFrom(ads())
    message.common_lb_config.healthy_panic_threshold.value = (
        cluster.outlier.min_health_percent if cluster.outlier else 0
    )
    threshold = message.circuit_breakers.thresholds.add()
    threshold.max_connections.value = pool.max_connections or UNLIMITED
    threshold.max_pending_requests.value = pool.max_pending or UNLIMITED
    threshold.max_requests.value = pool.max_requests or UNLIMITED
    threshold.max_retries.value = pool.max_retries or UNLIMITED
    if cluster.retry_budget is not None:
        threshold.retry_budget.budget_percent.value = cluster.retry_budget.percent
        threshold.retry_budget.min_retry_concurrency.value = cluster.retry_budget.least
    if cluster.tls is not None:
        message.transport_socket.CopyFrom(upstream_tls(cluster.tls, http2=cluster.http2))
    _balance(message, cluster)
    if pool.keepalive is not None:
        keepalive = message.upstream_connection_options.tcp_keepalive
        keepalive.SetInParent()
        if pool.keepalive.probes is not None:
            keepalive.keepalive_probes.value = pool.keepalive.probes
        if pool.keepalive.time is not None:
            keepalive.keepalive_time.value = max(1, round(pool.keepalive.time))
        if pool.keepalive.interval is not None:
            keepalive.keepalive_interval.value = max(1, round(pool.keepalive.interval))
    message.typed_extension_protocol_options[HTTP_OPTIONS].Pack(_http_options(cluster))
    if pool.tcp_idle_timeout is not None:
        tcp = tcp_protocol_options_pb2.TcpProtocolOptions(idle_timeout=duration(pool.tcp_idle_timeout))
        message.typed_extension_protocol_options[TCP_OPTIONS].Pack(tcp)
    if cluster.outlier is not None:
        message.outlier_detection.CopyFrom(_outlier(cluster))
    if cluster.passthrough:
        encode_passthrough(message)
    return message


def _http_options(cluster: Cluster) -> http_protocol_options_pb2.HttpProtocolOptions:
    pool = cluster.pool
    options = http_protocol_options_pb2.HttpProtocolOptions()
    options.common_http_protocol_options.idle_timeout.CopyFrom(duration(pool.idle_timeout or UPSTREAM_IDLE))
    if pool.max_requests_per_connection:
        options.common_http_protocol_options.max_requests_per_connection.value = pool.max_requests_per_connection
    if pool.max_connection_duration is not None:
        options.common_http_protocol_options.max_connection_duration.CopyFrom(duration(pool.max_connection_duration))
    http2 = None
    if pool.use_client_protocol:
        options.use_downstream_protocol_config.http_protocol_options.SetInParent()
        http2 = options.use_downstream_protocol_config.http2_protocol_options
    elif cluster.http2:
        http2 = options.explicit_http_config.http2_protocol_options
    else:
        options.explicit_http_config.http_protocol_options.SetInParent()
    if http2 is not None:
        http2.SetInParent()
        if pool.max_concurrent_streams:
            http2.max_concurrent_streams.value = pool.max_concurrent_streams
    return options


def _balance(message: cluster_pb2.Cluster, cluster: Cluster) -> None:
    """The settings of the load balancer that it has."""
    if cluster.balance is Balance.RING_HASH and cluster.ring_size:
        message.ring_hash_lb_config.minimum_ring_size.value = cluster.ring_size
    if cluster.balance is Balance.MAGLEV and cluster.table_size:
        message.maglev_lb_config.table_size.value = cluster.table_size
    if cluster.warmup is None:
        return
    if cluster.balance is Balance.ROUND_ROBIN:
        slow = message.round_robin_lb_config.slow_start_config
    elif cluster.balance is Balance.LEAST_REQUEST:
        slow = message.least_request_lb_config.slow_start_config
    else:
        return
    slow.slow_start_window.CopyFrom(duration(cluster.warmup.duration))
    slow.aggression.default_value = cluster.warmup.aggression
    slow.aggression.runtime_key = "slow_start.aggression"
    slow.min_weight_percent.value = cluster.warmup.minimum_percent


def _outlier(cluster: Cluster) -> outlier_detection_pb2.OutlierDetection:
    outlier = cluster.outlier
    assert outlier is not None
    message = outlier_detection_pb2.OutlierDetection(
        interval=duration(outlier.interval), base_ejection_time=duration(outlier.base_ejection)
    )
    message.max_ejection_percent.value = outlier.max_ejection_percent
    message.enforcing_success_rate.value = 0
    message.enforcing_consecutive_5xx.value = 100 if outlier.consecutive_5xx else 0
    if outlier.consecutive_5xx:
        message.consecutive_5xx.value = outlier.consecutive_5xx
    message.enforcing_consecutive_gateway_failure.value = 100 if outlier.consecutive_gateway else 0
    if outlier.consecutive_gateway:
        message.consecutive_gateway_failure.value = outlier.consecutive_gateway
    message.split_external_local_origin_errors = outlier.split_local_origin
    if outlier.consecutive_local_origin is not None:
        message.consecutive_local_origin_failure.value = outlier.consecutive_local_origin
        message.enforcing_consecutive_local_origin_failure.value = 100 if outlier.consecutive_local_origin else 0
    return message


def encode_endpoints(name: str, endpoints: tuple[Endpoint, ...]) -> endpoint_pb2.ClusterLoadAssignment:
    """The endpoints of a cluster, all in one locality."""
    message = endpoint_pb2.ClusterLoadAssignment(cluster_name=name)
    group = message.endpoints.add()
    group.load_balancing_weight.value = 1
    for each in endpoints:
        host = endpoint_components_pb2.LbEndpoint()
        host.endpoint.address.socket_address.address = each.address
        host.endpoint.address.socket_address.port_value = each.port
        if each.weight:
            host.load_balancing_weight.value = each.weight
        group.lb_endpoints.append(host)
    return message


def encode_listener(listener: Listener) -> listener_pb2.Listener:
    """An HTTP listener that asks a route table, or a TCP one that goes to one cluster."""
    message = listener_pb2.Listener(name=listener.name, stat_prefix=listener.role.value)
    message.address.socket_address.address = listener.address
    message.address.socket_address.port_value = listener.port
    message.ignore_global_conn_limit = listener.role is Role.SIDECAR
    # With SO_REUSEPORT a second Envoy would share the port in silence; so it is told that the port is taken.
    message.enable_reuse_port.value = False
    message.per_connection_buffer_limit_bytes.value = 1 << 20
    if listener.chains:
        inspector = message.listener_filters.add(name="envoy.filters.listener.tls_inspector")
        inspector.typed_config.CopyFrom(packed(tls_inspector_pb2.TlsInspector()))
        for each in listener.chains:
            _fill_chain(message.filter_chains.add(), listener, each)
        return message
    chain = message.filter_chains.add()
    _say_who(chain, listener)
    if listener.table is not None:
        _route_http(chain, listener)
    else:
        _pass_on(chain, listener, listener.to or (Weighted(listener.cluster or ""),))
    return message


def _fill_chain(message: listener_components_pb2.FilterChain, listener: Listener, chain: Chain) -> None:
    """One group of names: TLS ended or passed on, then HTTP or bytes."""
    if "*" not in chain.names:
        message.filter_chain_match.server_names.extend(chain.names)
    if chain.terminate is not None:
        message.transport_socket.CopyFrom(downstream_tls(chain.terminate))
    _say_who(message, listener)
    if chain.to:
        _pass_on(message, listener, chain.to)
    else:
        _route_http(message, listener)


def _say_who(chain: listener_components_pb2.FilterChain, listener: Listener) -> None:
    """Who calls through a listener, for the rules that ask."""
    source = listener.source or (INGRESS if listener.role is Role.GATEWAY else None)
    if source is not None:
        state = chain.filters.add(name="envoy.filters.network.set_filter_state")
        state.typed_config.CopyFrom(packed(_source(source)))


def _route_http(chain: listener_components_pb2.FilterChain, listener: Listener) -> None:
    manager = chain.filters.add(name="envoy.filters.network.http_connection_manager")
    manager.typed_config.CopyFrom(packed(_manager(listener)))


def _pass_on(chain: listener_components_pb2.FilterChain, listener: Listener, to: Sequence[Weighted]) -> None:
    """Bytes to one cluster, or to several by their weights, chosen for each connection."""
    proxy = tcp_proxy_pb2.TcpProxy(stat_prefix=listener.role.value)
    if len(to) == 1:
        proxy.cluster = to[0].cluster
    else:
        for each in to:
            proxy.weighted_clusters.clusters.add(name=each.cluster, weight=each.weight)
    chain.filters.add(name="envoy.filters.network.tcp_proxy").typed_config.CopyFrom(packed(proxy))


def _source(source: Source) -> set_filter_state_pb2.Config:
    """Who calls, so that routes can ask: `|namespace=mesh||app=products||version=v2|`."""
    labels = (("namespace", source.namespace), ("@principal", source.principal), *source.labels)
    value = value_pb2.FilterStateValue(object_key=SOURCE_KEY, factory_key="envoy.string")
    text = "".join(source_token(key, label) for key, label in labels)
    value.format_string.text_format_source.inline_string = text.replace("%", "%%")
    return set_filter_state_pb2.Config(on_new_connection=[value])


def _manager(listener: Listener) -> hcm.HttpConnectionManager:
    outside = listener.role in (Role.GATEWAY, Role.NODE_PORT)
    message = hcm.HttpConnectionManager(
        stat_prefix=listener.role.value,
        server_header_transformation=hcm.HttpConnectionManager.PASS_THROUGH,
        stream_idle_timeout=duration(STREAM_IDLE),
        request_headers_timeout=duration(HEADERS_LIMIT),
        preserve_external_request_id=True,
        path_with_escaped_slashes_action=hcm.HttpConnectionManager.KEEP_UNCHANGED,
        strip_trailing_host_dot=True,
    )
    message.normalize_path.value = True
    message.use_remote_address.value = outside
    # A pod's call is the mesh's own: what it says of its caller is kept, not built upon.
    message.skip_xff_append = not outside
    if outside:
        message.http2_protocol_options.max_concurrent_streams.value = MOST_STREAMS
        message.http2_protocol_options.initial_stream_window_size.value = 1 << 16
        message.http2_protocol_options.initial_connection_window_size.value = 1 << 20
    message.http_protocol_options.allow_absolute_url.value = True
    message.http_protocol_options.accept_http_10 = True
    message.http_protocol_options.default_host_for_http_10 = "http10"
    message.common_http_protocol_options.idle_timeout.CopyFrom(duration(3600.0))
    message.max_request_headers_kb.value = 60
    message.rds.route_config_name = listener.table or ""
    message.rds.config_source.CopyFrom(ads())
    upgrade = message.upgrade_configs.add(upgrade_type="websocket")
    upgrade.enabled.value = True
    if listener.told:
        message.access_log.add(name="envoy.access_loggers.http_grpc").typed_config.CopyFrom(packed(_access_log()))
    if listener.role is Role.GATEWAY:
        # Before all else, since rows can be chosen by what a token says.
        message.http_filters.add(name=listener.name).config_discovery.CopyFrom(_tokens())
    message.http_filters.add(name=BRANCH_FILTER).typed_config.CopyFrom(branch_filter(listener))
    message.http_filters.add(name=CORS_FILTER).typed_config.CopyFrom(packed(cors_pb2.Cors()))
    message.http_filters.add(name=FAULT_FILTER).typed_config.CopyFrom(packed(fault_pb2.HTTPFault()))
    message.http_filters.add(name=ROWS).config_discovery.CopyFrom(_tokens())
    message.http_filters.add(name=ACCESS_FILTER).typed_config.CopyFrom(packed(rbac_pb2.RBAC()))
    if listener.passthrough:
        message.http_filters.add(name=PASSTHROUGH_FILTER).typed_config.CopyFrom(packed(passthrough_filter()))
    router = router_pb2.Router(suppress_envoy_headers=True)
    message.http_filters.add(name="envoy.filters.http.router").typed_config.CopyFrom(packed(router))
    return message


def _tokens() -> config_source_pb2.ExtensionConfigSource:
    """A filter whose configuration is a resource of its own, under the filter's name."""
    return config_source_pb2.ExtensionConfigSource(config_source=ads(), type_urls=[FILTER_TYPE])


def _access_log() -> als_pb2.HttpGrpcAccessLogConfig:
    """Every request is told over the socket that the configuration comes by; all listeners share one stream."""
    message = als_pb2.HttpGrpcAccessLogConfig(
        additional_request_headers_to_log=LOGGED_HEADERS, additional_response_headers_to_log=(HEADER,)
    )
    common = message.common_config
    common.log_name = "mesh"
    common.transport_api_version = config_source_pb2.V3
    common.grpc_service.envoy_grpc.cluster_name = CONTROL_CLUSTER
    common.buffer_flush_interval.CopyFrom(duration(LOG_FLUSH))
    common.buffer_size_bytes.value = LOG_BUFFER
    return message
