"""What Istio's webhook refuses in a DestinationRule."""

from collections.abc import Iterator
from math import isqrt

from mesh.resources.checks.exports import check_exports
from mesh.resources.istio.destination_rule import (
    ClientTLSSettings,
    ConnectionKeepalive,
    ConnectionPoolSettings,
    ConsistentHashLB,
    DestinationRule,
    LoadBalancerSettings,
    OutlierDetection,
    PortTrafficPolicy,
    RetryBudget,
    TrafficPolicy,
)
from mesh.resources.values.durations import wrong_duration
from mesh.resources.values.hosts import is_address
from mesh.resources.values.names import HEADER, wrong_host, wrong_label, wrong_labels, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, duplicate, meant, not_supported, required

Errors = Iterator[FieldError]
SIMPLE = ("UNSPECIFIED", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN")
UPGRADES = ("", "DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")
TLS_MODES = ("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL")


def check_destination_rule(rule: DestinationRule) -> Errors:
    """Everything wrong with a DestinationRule by itself."""
    spec = rule.spec
    if wrong := wrong_host(spec.host):
        yield FieldError("spec.host", wrong)
    if is_address(spec.host):
        yield FieldError("spec.host", f'"{spec.host}" is an address; a ServiceEntry gives it a name')
    yield from check_exports(spec.export_to, rule.metadata.namespace)
    if spec.traffic_policy is not None:
        yield from _policy(spec.traffic_policy, "spec.trafficPolicy")
    if spec.workload_selector is not None:
        if any(name not in (".", rule.metadata.namespace) for name in spec.export_to):
            yield FieldError("spec.exportTo", 'a rule with a workloadSelector is its own namespace\'s alone; use ["."]')
        for key, why in wrong_labels(spec.workload_selector.match_labels):
            yield FieldError(f"spec.workloadSelector.matchLabels[{key}]", why)
    names: set[str] = set()
    for number, subset in enumerate(spec.subsets):
        path = f"spec.subsets[{number}]"
        if wrong := wrong_label(subset.name.lower()):
            yield FieldError(f"{path}.name", wrong)
        if subset.name in names:
            yield duplicate(f"{path}.name", subset.name)
        names.add(subset.name)
        yield from (FieldError(f"{path}.labels[{key}]", why) for key, why in wrong_labels(subset.labels))
        if subset.traffic_policy is not None:
            yield from _policy(subset.traffic_policy, f"{path}.trafficPolicy")


def _policy(policy: TrafficPolicy, path: str) -> Errors:
    if policy == TrafficPolicy():
        yield required(path, "is empty; name at least one policy, or leave it out")
    yield from _parts(policy, path)
    ports: set[int] = set()
    for number, level in enumerate(policy.port_level_settings):
        where = f"{path}.portLevelSettings[{number}]"
        if wrong := wrong_port(level.port.number):
            yield FieldError(f"{where}.port.number", wrong)
        elif level.port.number in ports:
            yield duplicate(f"{where}.port.number", level.port.number)
        ports.add(level.port.number)
        if level == PortTrafficPolicy(port=level.port):
            yield required(where, "is empty; name at least one policy for the port")
        yield from _parts(level, where)


def _parts(policy: TrafficPolicy | PortTrafficPolicy, path: str) -> Errors:
    if policy.load_balancer is not None:
        yield from _balancer(policy.load_balancer, f"{path}.loadBalancer")
    if policy.connection_pool is not None:
        yield from _pool(policy.connection_pool, f"{path}.connectionPool")
    if policy.outlier_detection is not None:
        yield from _outlier(policy.outlier_detection, f"{path}.outlierDetection")
    if isinstance(policy, TrafficPolicy) and policy.retry_budget is not None:
        yield from _budget(policy.retry_budget, f"{path}.retryBudget")
    if policy.tls is not None:
        yield from _tls(policy.tls, f"{path}.tls")


def _budget(budget: RetryBudget, path: str) -> Errors:
    if budget.percent is not None and not 0 <= budget.percent <= 100:
        yield FieldError(f"{path}.percent", f"{budget.percent:g} is not in 0-100")
    if budget.min_retry_concurrency is not None and not 0 <= budget.min_retry_concurrency < 2**31:
        yield FieldError(f"{path}.minRetryConcurrency", f"{budget.min_retry_concurrency} is not in 0-2147483647")
    if budget.budget_interval:
        yield from wrong_duration(budget.budget_interval, f"{path}.budgetInterval")


def _tls(tls: ClientTLSSettings, path: str) -> Errors:
    if tls.mode not in TLS_MODES:
        yield FieldError(f"{path}.mode", f'"{tls.mode[:80]}" is not a mode{meant(tls.mode, TLS_MODES)}')
    for name, value in (
        ("clientCertificate", tls.client_certificate),
        ("privateKey", tls.private_key),
        ("caCertificates", tls.ca_certificates),
        ("caCrl", tls.ca_crl),
    ):
        if value:
            yield FieldError(
                f"{path}.{name}", "is a file of Istio's proxy, which does not run here; use credentialName"
            )
    if tls.mode == "MUTUAL" and not tls.credential_name:
        yield required(f"{path}.credentialName", "is missing; it names a Secret with certificate and key")
    if tls.credential_name and (wrong := wrong_subdomain(tls.credential_name)):
        yield FieldError(f"{path}.credentialName", wrong)


def _balancer(balancer: LoadBalancerSettings, path: str) -> Errors:
    if balancer.simple and balancer.simple not in SIMPLE:
        yield not_supported(
            f"{path}.simple", f'"{balancer.simple[:80]}" is not a load balancer{meant(balancer.simple, SIMPLE)}'
        )
    if balancer.simple and balancer.consistent_hash is not None:
        yield FieldError(f"{path}.consistentHash", "cannot be used with simple")
    if balancer.consistent_hash is not None:
        yield from _hash(balancer.consistent_hash, f"{path}.consistentHash")
    if balancer.locality_lb_setting is not None and balancer.zone_aware_lb_setting is not None:
        yield FieldError(f"{path}.zoneAwareLbSetting", "cannot be used with localityLbSetting")
    if balancer.warmup_duration_secs:
        yield from wrong_duration(balancer.warmup_duration_secs, f"{path}.warmupDurationSecs", positive=True)
    warmup = balancer.warmup
    if warmup is None:
        return
    if balancer.warmup_duration_secs:
        yield FieldError(f"{path}.warmupDurationSecs", "cannot be used with warmup")
    yield from wrong_duration(warmup.duration, f"{path}.warmup.duration", positive=True)
    if warmup.minimum_percent is not None and not 0 <= warmup.minimum_percent <= 100:
        yield FieldError(f"{path}.warmup.minimumPercent", f"{warmup.minimum_percent:g} is not in 0-100")
    if warmup.aggression is not None and warmup.aggression < 1:
        yield FieldError(f"{path}.warmup.aggression", f"{warmup.aggression:g} is below 1")


def _hash(settings: ConsistentHashLB, path: str) -> Errors:
    given = {
        "httpHeaderName": bool(settings.http_header_name),
        "httpCookie": settings.http_cookie is not None,
        "useSourceIp": settings.use_source_ip,
        "httpQueryParameterName": bool(settings.http_query_parameter_name),
    }
    if sum(given.values()) != 1:
        actual = " and ".join(name for name, is_set in given.items() if is_set) or "none"
        yield FieldError(path, f"needs exactly one of {', '.join(given)}; it has {actual}")
    if settings.http_header_name and not HEADER.fullmatch(settings.http_header_name):
        yield FieldError(f"{path}.httpHeaderName", f'"{settings.http_header_name[:80]}" is not a header\'s name')
    cookie = settings.http_cookie
    if cookie is not None:
        if not HEADER.fullmatch(cookie.name):
            yield FieldError(f"{path}.httpCookie.name", f'"{cookie.name[:80]}" is not a cookie\'s name')
        if cookie.ttl:
            yield from wrong_duration(cookie.ttl, f"{path}.httpCookie.ttl")
    if settings.ring_hash is not None and settings.maglev is not None:
        yield FieldError(f"{path}.maglev", "cannot be used with ringHash")
    # The limits of Envoy's RingHashLbConfig and MaglevLbConfig.
    sizes = [("minimumRingSize", settings.minimum_ring_size, 8 << 20)]
    if settings.ring_hash is not None:
        sizes.append(("ringHash.minimumRingSize", settings.ring_hash.minimum_ring_size, 8 << 20))
    if settings.maglev is not None:
        sizes.append(("maglev.tableSize", settings.maglev.table_size, 5_000_011))
        # Maglev permutes its table by steps: only a prime size makes each step visit every entry.
        if not settings.maglev.table_size:
            yield required(f"{path}.maglev.tableSize", "is missing; a prime (for example, 65537)")
        elif not _is_prime(settings.maglev.table_size):
            yield FieldError(
                f"{path}.maglev.tableSize", f"{settings.maglev.table_size} is not a prime (for example, 65537)"
            )
    for name, size, most in sizes:
        if not 0 <= size <= most:
            yield FieldError(f"{path}.{name}", f"{size} is not in 0-{most}")


def _is_prime(number: int) -> bool:
    return 1 < number <= 5_000_011 and all(number % divisor for divisor in range(2, isqrt(number) + 1))


def _pool(pool: ConnectionPoolSettings, path: str) -> Errors:
    if pool.tcp is None and pool.http is None:
        yield required(path, "is empty; it needs tcp or http")
    numbers: list[tuple[str, int]] = []
    if pool.tcp is not None:
        numbers.append(("tcp.maxConnections", pool.tcp.max_connections))
        if pool.tcp.connect_timeout:
            yield from wrong_duration(pool.tcp.connect_timeout, f"{path}.tcp.connectTimeout", positive=True)
        times = [("maxConnectionDuration", pool.tcp.max_connection_duration), ("idleTimeout", pool.tcp.idle_timeout)]
        keepalive = pool.tcp.tcp_keepalive
        if keepalive is not None:
            numbers.append(("tcp.tcpKeepalive.probes", keepalive.probes))
            times += [("tcpKeepalive.time", keepalive.time), ("tcpKeepalive.interval", keepalive.interval)]
        for name, text in times:
            if text:
                yield from wrong_duration(text, f"{path}.tcp.{name}", positive=True)
    if pool.http is not None:
        numbers += [
            ("http.http1MaxPendingRequests", pool.http.http1_max_pending_requests),
            ("http.http2MaxRequests", pool.http.http2_max_requests),
            ("http.maxRequestsPerConnection", pool.http.max_requests_per_connection),
            ("http.maxRetries", pool.http.max_retries),
            ("http.maxConcurrentStreams", pool.http.max_concurrent_streams),
        ]
        if pool.http.idle_timeout:
            yield from wrong_duration(pool.http.idle_timeout, f"{path}.http.idleTimeout", positive=True)
        if pool.http.http2_keep_alive is not None:
            yield from _http2_keepalive(pool.http.http2_keep_alive, f"{path}.http.http2KeepAlive")
        upgrade = pool.http.h2_upgrade_policy
        if upgrade == "UPGRADE" and pool.http.use_client_protocol:
            yield FieldError(f"{path}.http.useClientProtocol", "cannot be used with h2UpgradePolicy UPGRADE")
        if upgrade not in UPGRADES:
            yield FieldError(
                f"{path}.http.h2UpgradePolicy",
                f'"{upgrade[:80]}" is not a policy{meant(upgrade, UPGRADES[1:])}',
            )
    for name, value in numbers:
        if not 0 <= value < 2**31:
            yield FieldError(f"{path}.{name}", f"{value} is not in 0-2147483647")


def _http2_keepalive(keepalive: ConnectionKeepalive, path: str) -> Errors:
    for name, text in (("interval", keepalive.interval), ("timeout", keepalive.timeout)):
        if text:
            yield from wrong_duration(text, f"{path}.{name}", positive=True)
        else:
            yield required(f"{path}.{name}", "is missing")


def _outlier(outlier: OutlierDetection, path: str) -> Errors:
    for name, text in (("interval", outlier.interval), ("baseEjectionTime", outlier.base_ejection_time)):
        if text:
            yield from wrong_duration(text, f"{path}.{name}", positive=True)
    for name, percent in (
        ("maxEjectionPercent", outlier.max_ejection_percent),
        ("minHealthPercent", outlier.min_health_percent),
    ):
        if percent is not None and not 0 <= percent <= 100:
            yield FieldError(f"{path}.{name}", f"{percent} is not in 0-100")
    for name, count in (
        ("consecutive5xxErrors", outlier.consecutive_5xx_errors),
        ("consecutiveGatewayErrors", outlier.consecutive_gateway_errors),
        ("consecutiveErrors", outlier.consecutive_errors),
        ("consecutiveLocalOriginFailures", outlier.consecutive_local_origin_failures),
    ):
        if count is not None and not 0 <= count < 2**31:
            yield FieldError(f"{path}.{name}", f"{count} is not in 0-2147483647")
    if outlier.consecutive_local_origin_failures and not outlier.split_external_local_origin_errors:
        where = f"{path}.consecutiveLocalOriginFailures"
        yield FieldError(where, "needs splitExternalLocalOriginErrors: true")
    for number, status in enumerate(outlier.outlier_detection_http_error_codes):
        if not 100 <= status <= 599:
            yield FieldError(f"{path}.outlierDetectionHttpErrorCodes[{number}]", f"{status} is not in 100-599")
