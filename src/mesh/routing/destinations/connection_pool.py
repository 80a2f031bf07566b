"""DestinationRule.trafficPolicy.connectionPool and retryBudget."""

from mesh.resources.istio.destination_rule import ConnectionKeepalive, ConnectionPoolSettings, TcpKeepalive
from mesh.resources.istio.destination_rule import RetryBudget as RetryBudgetSettings
from mesh.resources.values.durations import seconds
from mesh.routing.model.cluster import ConnectionPool, Http2Keepalive, Keepalive, RetryBudget


def connection_pool(pool: ConnectionPoolSettings | None) -> ConnectionPool:
    """Limits and timeouts; 0 and nothing leave the default."""
    if pool is None:
        return ConnectionPool()
    tcp, http = pool.tcp, pool.http
    return ConnectionPool(
        max_connections=(tcp.max_connections or None) if tcp else None,
        connect_timeout=seconds(tcp.connect_timeout) if tcp and tcp.connect_timeout else None,
        max_pending=(http.http1_max_pending_requests or None) if http else None,
        max_requests=(http.http2_max_requests or None) if http else None,
        max_requests_per_connection=(http.max_requests_per_connection or None) if http else None,
        max_retries=(http.max_retries or None) if http else None,
        idle_timeout=seconds(http.idle_timeout) if http and http.idle_timeout else None,
        max_connection_duration=seconds(tcp.max_connection_duration) if tcp and tcp.max_connection_duration else None,
        max_concurrent_streams=(http.max_concurrent_streams or None) if http else None,
        keepalive=_keepalive(tcp.tcp_keepalive) if tcp and tcp.tcp_keepalive else None,
        http2_keepalive=_http2_keepalive(http.http2_keep_alive) if http and http.http2_keep_alive else None,
        tcp_idle_timeout=seconds(tcp.idle_timeout) if tcp and tcp.idle_timeout else None,
        use_client_protocol=http.use_client_protocol if http else False,
    )


def _keepalive(keepalive: TcpKeepalive) -> Keepalive:
    return Keepalive(
        probes=keepalive.probes or None,
        time=seconds(keepalive.time) if keepalive.time else None,
        interval=seconds(keepalive.interval) if keepalive.interval else None,
    )


def _http2_keepalive(keepalive: ConnectionKeepalive) -> Http2Keepalive:
    return Http2Keepalive(seconds(keepalive.interval), seconds(keepalive.timeout))


def retry_budget(budget: RetryBudgetSettings | None) -> RetryBudget | None:
    """With Istio's defaults, which are Envoy's."""
    if budget is None:
        return None
    return RetryBudget(
        20.0 if budget.percent is None else budget.percent,
        3 if budget.min_retry_concurrency is None else budget.min_retry_concurrency,
    )
