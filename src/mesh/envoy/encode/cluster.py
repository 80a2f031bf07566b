"""Clusters to Envoy's Cluster messages: connection pool, load balancing, outlier detection, TLS."""

from collections.abc import Sequence

from envoy.config.cluster.v3 import cluster_pb2, outlier_detection_pb2
from envoy.config.common.matcher.v3 import matcher_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from envoy.extensions.upstreams.tcp.v3 import tcp_protocol_options_pb2

from mesh.envoy.encode.passthrough import encode_egress, encode_original_destination, encode_passthrough
from mesh.envoy.encode.protobuf import ads, duration
from mesh.envoy.encode.tls import upstream_tls
from mesh.routing.model.cluster import Balance, Cluster, Keepalive

CONNECT_TIMEOUT = 5.0
# Below the keep-alive of the servers behind (5 s in uvicorn and node), so that Envoy closes an idle connection
# first and never sends into one that is being closed.
UPSTREAM_IDLE = 4.0
# Envoy's own limits (1,024 connections, requests and so on) would break circuits that no DestinationRule asked for.
UNLIMITED = 2**32 - 1
BALANCE = {
    Balance.ROUND_ROBIN: cluster_pb2.Cluster.ROUND_ROBIN,
    Balance.LEAST_REQUEST: cluster_pb2.Cluster.LEAST_REQUEST,
    Balance.RANDOM: cluster_pb2.Cluster.RANDOM,
    Balance.PASSTHROUGH: cluster_pb2.Cluster.ROUND_ROBIN,
    Balance.RING_HASH: cluster_pb2.Cluster.RING_HASH,
    Balance.MAGLEV: cluster_pb2.Cluster.MAGLEV,
}
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TCP_OPTIONS = "envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions"


def encode_cluster(cluster: Cluster) -> cluster_pb2.Cluster:
    """A cluster whose endpoints come by EDS; or that are found otherwise (see `passthrough`)."""
    pool = cluster.pool
    message = cluster_pb2.Cluster(
        name=cluster.name,
        type=cluster_pb2.Cluster.EDS,
        lb_policy=BALANCE[cluster.balance],
        connect_timeout=duration(pool.connect_timeout or CONNECT_TIMEOUT),
        # An endpoint that EDS removes is a pod that has ended: Envoy must not keep it for its good health.
        ignore_health_on_host_removal=True,
    )
    message.eds_cluster_config.eds_config.CopyFrom(ads())
    # At Envoy's 50 % it would send requests to ejected endpoints when half of them are ejected.
    message.common_lb_config.healthy_panic_threshold.value = (
        cluster.outlier.min_health_percent if cluster.outlier else 0
    )
    _encode_limits(message, cluster)
    if cluster.tls is not None:
        message.transport_socket.CopyFrom(upstream_tls(cluster.tls, http2=cluster.http2))
    _encode_balance(message, cluster)
    if pool.keepalive is not None:
        _encode_keepalive(message, pool.keepalive)
    message.typed_extension_protocol_options[HTTP_OPTIONS].Pack(_http_options(cluster))
    if pool.tcp_idle_timeout is not None:
        tcp = tcp_protocol_options_pb2.TcpProtocolOptions(idle_timeout=duration(pool.tcp_idle_timeout))
        message.typed_extension_protocol_options[TCP_OPTIONS].Pack(tcp)
    if cluster.outlier is not None:
        message.outlier_detection.CopyFrom(_outlier(cluster))
    if cluster.passthrough:
        encode_passthrough(message)
    elif cluster.original_destination:
        encode_original_destination(message, cluster.destination_header)
    elif cluster.egress_socket:
        encode_egress(message, cluster.egress_socket)
    return message


def _encode_limits(message: cluster_pb2.Cluster, cluster: Cluster) -> None:
    pool = cluster.pool
    threshold = message.circuit_breakers.thresholds.add()
    threshold.max_connections.value = pool.max_connections or UNLIMITED
    threshold.max_pending_requests.value = pool.max_pending or UNLIMITED
    threshold.max_requests.value = pool.max_requests or UNLIMITED
    threshold.max_retries.value = pool.max_retries or UNLIMITED
    if cluster.retry_budget is not None:
        threshold.retry_budget.budget_percent.value = cluster.retry_budget.percent
        threshold.retry_budget.min_retry_concurrency.value = cluster.retry_budget.least


def _encode_keepalive(message: cluster_pb2.Cluster, keepalive: Keepalive) -> None:
    tcp = message.upstream_connection_options.tcp_keepalive
    # Present but empty means the operating system's own numbers.
    tcp.SetInParent()
    if keepalive.probes is not None:
        tcp.keepalive_probes.value = keepalive.probes
    if keepalive.time is not None:
        tcp.keepalive_time.value = max(1, round(keepalive.time))
    if keepalive.interval is not None:
        tcp.keepalive_interval.value = max(1, round(keepalive.interval))


def _http_options(cluster: Cluster) -> http_protocol_options_pb2.HttpProtocolOptions:
    pool = cluster.pool
    options = http_protocol_options_pb2.HttpProtocolOptions()
    options.common_http_protocol_options.idle_timeout.CopyFrom(duration(pool.idle_timeout or UPSTREAM_IDLE))
    if pool.max_requests_per_connection:
        options.common_http_protocol_options.max_requests_per_connection.value = pool.max_requests_per_connection
    if pool.max_connection_duration is not None:
        options.common_http_protocol_options.max_connection_duration.CopyFrom(duration(pool.max_connection_duration))
    http2 = None
    if pool.use_client_protocol or cluster.detected:
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
        if pool.http2_keepalive is not None:
            http2.connection_keepalive.interval.CopyFrom(duration(pool.http2_keepalive.interval))
            http2.connection_keepalive.timeout.CopyFrom(duration(pool.http2_keepalive.timeout))
    if cluster.outlier is not None and cluster.outlier.error_codes:
        options.outlier_detection.error_matcher.CopyFrom(_errors(cluster.outlier.error_codes))
    return options


def _errors(codes: Sequence[int]) -> matcher_pb2.MatchPredicate:
    """Answers with one of these statuses. One regex, because `or_match` needs at least two parts."""
    message = matcher_pb2.MatchPredicate()
    status = message.http_response_headers_match.headers.add(name=":status")
    status.string_match.safe_regex.regex = "|".join(map(str, codes))
    return message


def _encode_balance(message: cluster_pb2.Cluster, cluster: Cluster) -> None:
    """The settings of the cluster's load balancer; Envoy has slow start for two of them only."""
    if cluster.balance is Balance.RING_HASH and cluster.ring_size:
        message.ring_hash_lb_config.minimum_ring_size.value = cluster.ring_size
    if cluster.balance is Balance.MAGLEV and cluster.table_size:
        message.maglev_lb_config.table_size.value = cluster.table_size
    if cluster.warmup is None:
        return
    if cluster.balance is Balance.ROUND_ROBIN:
        slow_start = message.round_robin_lb_config.slow_start_config
    elif cluster.balance is Balance.LEAST_REQUEST:
        slow_start = message.least_request_lb_config.slow_start_config
    else:
        return
    slow_start.slow_start_window.CopyFrom(duration(cluster.warmup.duration))
    slow_start.aggression.default_value = cluster.warmup.aggression
    slow_start.aggression.runtime_key = "slow_start.aggression"
    slow_start.min_weight_percent.value = cluster.warmup.minimum_percent


def _outlier(cluster: Cluster) -> outlier_detection_pb2.OutlierDetection:
    """Only what the DestinationRule asks for: Envoy would count other failures too unless `enforcing_*` is 0."""
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
