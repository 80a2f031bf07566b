"""Services and DestinationRules to clusters and their endpoints (Istio's traffic policies)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.destination_rule import (
    ClientTLSSettings,
    ConnectionPoolSettings,
    ConsistentHashLB,
    DestinationRule,
    LoadBalancerSettings,
    OutlierDetection,
    Subset,
    TcpKeepalive,
    TrafficPolicy,
)
from mesh.resources.istio.destination_rule import RetryBudget as RetryBudgetSettings
from mesh.resources.values.durations import seconds
from mesh.resources.values.meta import ref_of
from mesh.routing.destinations.directory import Directory, Known
from mesh.routing.destinations.protocol import is_detected, is_http2
from mesh.routing.destinations.views import EVERYBODY, cluster_name
from mesh.routing.model.cluster import (
    Balance,
    Cluster,
    ConnectionPool,
    Endpoint,
    Keepalive,
    Outlier,
    RetryBudget,
    TlsOrigination,
    Warmup,
)
from mesh.routing.model.route import HashOn
from mesh.routing.model.security import Access, Requirement
from mesh.routing.security.access import Policies
from mesh.routing.security.authentication import Tokens
from mesh.routing.virtual_service.tls import Secrets, authority_of, certificate_of

BALANCE = {
    "RANDOM": Balance.RANDOM,
    "ROUND_ROBIN": Balance.ROUND_ROBIN,
    "PASSTHROUGH": Balance.PASSTHROUGH,
}
# Istio's default for a ring.
LEAST_RING = 1024


def clusters_of(
    known: Known,
    rules: Sequence[DestinationRule],
    directory: Directory,
    policies: Policies,
    tokens: Tokens,
    secrets: Secrets,
    view: str = EVERYBODY,
) -> Iterator[tuple[Cluster, tuple[Endpoint, ...]]]:
    """Every cluster of a Service as it is in a view: one a port, and one a port and subset.

    Several rules for a host merge as Istio merges them: the first policy counts, subsets add up.
    """
    origins = (known.ref, *(ref_of(rule) for rule in rules))
    base = next((rule.spec.traffic_policy for rule in rules if rule.spec.traffic_policy is not None), None)
    subsets: dict[str, Subset] = {}
    for rule in rules:
        for subset in rule.spec.subsets:
            subsets.setdefault(subset.name, subset)
    everything: Mapping[str, Subset | None] = {"": None, **subsets}
    for port in known.service.spec.ports:
        for name, chosen in everything.items():
            layers = [p for p in (chosen.traffic_policy if chosen else None, base) if p is not None]
            labels = chosen.labels if chosen else {}
            cluster = _cluster(cluster_name(port.port, name, known.host, view), port, layers)
            endpoints = directory.endpoints(known, port, labels)
            access: Access | None = None
            asked: Requirement = ()
            if (policies or tokens) and known.entry is None:
                wanted = {**known.service.spec.selector, **labels}
                pods = [each.labels for each in directory.selected(known.namespace, wanted)] or [wanted]
                access = policies.of(known.namespace, pods, {each.port for each in endpoints} or {port.port})
                asked = tokens.of(known.namespace, pods)
            tls = _tls(layers, port, known.host, rules, secrets)
            yield replace(cluster, tls=tls, origins=origins, access=access, authentication=asked), endpoints


def _cluster(name: str, port: ServicePort, policies: Sequence[TrafficPolicy]) -> Cluster:
    """The narrowest policy that says something about a part decides that part."""
    balancer: LoadBalancerSettings | None = None
    pool: ConnectionPoolSettings | None = None
    outlier: OutlierDetection | None = None
    budget: RetryBudgetSettings | None = None
    for policy in policies:
        levels = [each for each in policy.port_level_settings if each.port.number == port.port]
        if levels:
            # What is said for a port replaces the whole policy, also the parts it does not name.
            balancer = balancer or levels[0].load_balancer
            pool = pool or levels[0].connection_pool
            outlier = outlier or levels[0].outlier_detection
            break
        balancer = balancer or policy.load_balancer
        pool = pool or policy.connection_pool
        outlier = outlier or policy.outlier_detection
        budget = budget or policy.retry_budget
    upgraded = pool is not None and pool.http is not None and pool.http.h2_upgrade_policy == "UPGRADE"
    cluster = Cluster(
        name=name,
        pool=_pool(pool),
        outlier=_outlier(outlier),
        http2=is_http2(port) or upgraded,
        detected=is_detected(port) and not upgraded,
    )
    if budget is not None:
        cluster = replace(cluster, retry_budget=_budget(budget))
    return _balanced(cluster, balancer) if balancer is not None else cluster


def _budget(budget: RetryBudgetSettings) -> RetryBudget:
    """With Istio's defaults, which are Envoy's."""
    return RetryBudget(
        20.0 if budget.percent is None else budget.percent,
        3 if budget.min_retry_concurrency is None else budget.min_retry_concurrency,
    )


def _tls(
    policies: Sequence[TrafficPolicy], port: ServicePort, host: str, rules: Sequence[DestinationRule], secrets: Secrets
) -> TlsOrigination | None:
    """The TLS that is spoken to a destination; ISTIO_MUTUAL is Istio's own, which pods do not speak here."""
    found: ClientTLSSettings | None = None
    for policy in policies:
        levels = [each for each in policy.port_level_settings if each.port.number == port.port]
        found = found or (levels[0].tls if levels else policy.tls)
        if levels:
            break
    if found is None or found.mode not in ("SIMPLE", "MUTUAL"):
        return None
    sni = found.sni or host
    secret = next(
        (s for rule in rules if (s := secrets.get((rule.metadata.namespace, found.credential_name))) is not None), None
    )
    pair = certificate_of(secret) if secret is not None and found.mode == "MUTUAL" else None
    return TlsOrigination(
        sni=sni,
        certificate=pair[0] if pair else "",
        key=pair[1] if pair else "",
        authority=authority_of(secret) if secret is not None else "",
        names=tuple(found.subject_alt_names) or (sni,),
        verify=found.insecure_skip_verify is not True,
    )


def _balanced(cluster: Cluster, balancer: LoadBalancerSettings) -> Cluster:
    settings = balancer.consistent_hash
    if settings is None:
        balance = BALANCE.get(balancer.simple, Balance.LEAST_REQUEST)
        return replace(cluster, balance=balance, warmup=_warmup(balancer))
    ring = settings.ring_hash.minimum_ring_size if settings.ring_hash is not None else settings.minimum_ring_size
    return replace(
        cluster,
        balance=Balance.MAGLEV if settings.maglev is not None else Balance.RING_HASH,
        hash_on=_hash_on(settings),
        ring_size=ring or LEAST_RING,
        table_size=(settings.maglev.table_size or None) if settings.maglev is not None else None,
    )


def _hash_on(settings: ConsistentHashLB) -> HashOn:
    cookie = settings.http_cookie
    if cookie is not None:
        return HashOn(
            "cookie",
            cookie.name,
            seconds(cookie.ttl) if cookie.ttl else None,
            cookie.path,
            tuple((each.name, each.value) for each in cookie.attributes),
        )
    if settings.http_header_name:
        return HashOn("header", settings.http_header_name.lower())
    if settings.http_query_parameter_name:
        return HashOn("query", settings.http_query_parameter_name)
    return HashOn("source")


def _warmup(balancer: LoadBalancerSettings) -> Warmup | None:
    warmup = balancer.warmup
    if warmup is None:
        return Warmup(seconds(balancer.warmup_duration_secs)) if balancer.warmup_duration_secs else None
    return Warmup(
        seconds(warmup.duration),
        1.0 if warmup.aggression is None else warmup.aggression,
        10.0 if warmup.minimum_percent is None else warmup.minimum_percent,
    )


def _pool(pool: ConnectionPoolSettings | None) -> ConnectionPool:
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
        tcp_idle_timeout=seconds(tcp.idle_timeout) if tcp and tcp.idle_timeout else None,
        use_client_protocol=http.use_client_protocol if http else False,
    )


def _keepalive(keepalive: TcpKeepalive) -> Keepalive:
    return Keepalive(
        probes=keepalive.probes or None,
        time=seconds(keepalive.time) if keepalive.time else None,
        interval=seconds(keepalive.interval) if keepalive.interval else None,
    )


def _outlier(outlier: OutlierDetection | None) -> Outlier | None:
    if outlier is None:
        return None
    gateway = outlier.consecutive_gateway_errors
    if gateway is None:
        gateway = outlier.consecutive_errors
    consecutive = outlier.consecutive_5xx_errors
    if consecutive is None and gateway is None:
        consecutive = 5
    return Outlier(
        consecutive_5xx=consecutive or None,
        consecutive_gateway=gateway or None,
        interval=seconds(outlier.interval) if outlier.interval else 10.0,
        base_ejection=seconds(outlier.base_ejection_time) if outlier.base_ejection_time else 30.0,
        max_ejection_percent=10 if outlier.max_ejection_percent is None else outlier.max_ejection_percent,
        min_health_percent=outlier.min_health_percent,
        split_local_origin=outlier.split_external_local_origin_errors,
        consecutive_local_origin=outlier.consecutive_local_origin_failures,
    )
