"""DestinationRule.trafficPolicy.loadBalancer: the algorithm, consistent hashes and warm-up."""

from dataclasses import replace

from mesh.resources.istio.destination_rule import ConsistentHashLB, LoadBalancerSettings
from mesh.resources.values.durations import seconds
from mesh.routing.model.cluster import Balance, Cluster, Warmup
from mesh.routing.model.route import HashOn

# LEAST_REQUEST, Istio's default, is what everything else stands for.
BALANCE = {
    "RANDOM": Balance.RANDOM,
    "ROUND_ROBIN": Balance.ROUND_ROBIN,
    "PASSTHROUGH": Balance.PASSTHROUGH,
}
# Istio's default for a ring.
DEFAULT_RING_SIZE = 1024


def with_load_balancer(cluster: Cluster, balancer: LoadBalancerSettings) -> Cluster:
    """A cluster with this load balancer; a consistent hash replaces a simple algorithm."""
    settings = balancer.consistent_hash
    if settings is None:
        balance = BALANCE.get(balancer.simple, Balance.LEAST_REQUEST)
        return replace(cluster, balance=balance, warmup=_warmup(balancer))
    # `minimumRingSize` outside of `ringHash` is the older way to say it.
    ring = settings.ring_hash.minimum_ring_size if settings.ring_hash is not None else settings.minimum_ring_size
    return replace(
        cluster,
        balance=Balance.MAGLEV if settings.maglev is not None else Balance.RING_HASH,
        hash_on=_hash_on(settings),
        ring_size=ring or DEFAULT_RING_SIZE,
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
            tuple((attribute.name, attribute.value) for attribute in cookie.attributes),
        )
    if settings.http_header_name:
        return HashOn("header", settings.http_header_name.lower())
    if settings.http_query_parameter_name:
        return HashOn("query", settings.http_query_parameter_name)
    return HashOn("source")


def _warmup(balancer: LoadBalancerSettings) -> Warmup | None:
    """`warmupDurationSecs` is the older way to say the duration alone."""
    warmup = balancer.warmup
    if warmup is None:
        return Warmup(seconds(balancer.warmup_duration_secs)) if balancer.warmup_duration_secs else None
    return Warmup(
        seconds(warmup.duration),
        1.0 if warmup.aggression is None else warmup.aggression,
        10.0 if warmup.minimum_percent is None else warmup.minimum_percent,
    )
