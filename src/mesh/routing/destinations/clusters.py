"""Services and DestinationRules to clusters and their endpoints (Istio's traffic policies); one feature a module."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.destination_rule import (
    ConnectionPoolSettings,
    DestinationRule,
    LoadBalancerSettings,
    OutlierDetection,
    RetryBudget,
    Subset,
    TrafficPolicy,
)
from mesh.resources.values.meta import ref_of
from mesh.routing.destinations.connection_pool import connection_pool, retry_budget
from mesh.routing.destinations.directory import Directory, MeshService
from mesh.routing.destinations.load_balancer import with_load_balancer
from mesh.routing.destinations.outlier_detection import outlier_of
from mesh.routing.destinations.protocol import is_detected, is_http2
from mesh.routing.destinations.tls import tls_of
from mesh.routing.destinations.views import EVERYBODY, cluster_name
from mesh.routing.model.cluster import Cluster, Endpoint, Group
from mesh.routing.model.security import Access, Requirement
from mesh.routing.security.access import Policies
from mesh.routing.security.authentication import Tokens
from mesh.routing.virtual_service.tls import Secrets


def clusters_of(
    service: MeshService,
    rules: Sequence[DestinationRule],
    directory: Directory,
    policies: Policies,
    tokens: Tokens,
    secrets: Secrets,
    view: str = EVERYBODY,
) -> Iterator[Group]:
    """Every cluster of a Service as it is in a view: one a port, and one a port and subset.

    Several rules for a host merge as Istio merges them: the first policy counts, subsets add up.
    """
    origins = (service.ref, *(ref_of(rule) for rule in rules))
    base = next((rule.spec.traffic_policy for rule in rules if rule.spec.traffic_policy is not None), None)
    subsets: dict[str, Subset] = {}
    for rule in rules:
        for subset in rule.spec.subsets:
            subsets.setdefault(subset.name, subset)
    variants: Mapping[str, Subset | None] = {"": None, **subsets}
    for port in service.spec.ports:
        for name, variant in variants.items():
            own = variant.traffic_policy if variant is not None else None
            layers = [policy for policy in (own, base) if policy is not None]
            labels = variant.labels if variant is not None else {}
            cluster = _cluster(cluster_name(port.port, name, service.host, view), port, layers)
            endpoints = directory.endpoints(service, port, labels)
            access, requirement = _required(service, labels, port, endpoints, directory, policies, tokens)
            tls = tls_of(layers, port, service.host, rules, secrets)
            yield (
                replace(cluster, tls=tls, origins=origins, access=access, authentication=requirement),
                endpoints,
            )


def _required(
    service: MeshService,
    labels: Mapping[str, str],
    port: ServicePort,
    endpoints: Sequence[Endpoint],
    directory: Directory,
    policies: Policies,
    tokens: Tokens,
) -> tuple[Access | None, Requirement]:
    """Who may call the pods behind a cluster, and with which tokens. While there are no pods, the labels that they
    would have decide, so that a policy is in force before the first of them is ready."""
    if service.entry is not None or not (policies or tokens):
        return None, ()
    selector = {**service.spec.selector, **labels}
    pods = [pod.labels for pod in directory.selected(service.namespace, selector)] or [selector]
    ports = {endpoint.port for endpoint in endpoints} or {port.port}
    return policies.of(service.namespace, pods, ports), tokens.of(service.namespace, pods)


def _cluster(name: str, port: ServicePort, policies: Sequence[TrafficPolicy]) -> Cluster:
    """The narrowest policy that says something about a part decides that part."""
    balancer: LoadBalancerSettings | None = None
    pool: ConnectionPoolSettings | None = None
    outlier: OutlierDetection | None = None
    budget: RetryBudget | None = None
    for policy in policies:
        of_port = next((level for level in policy.port_level_settings if level.port.number == port.port), None)
        if of_port is not None:
            # What a rule says for a port replaces its whole policy, also the parts that it does not name.
            balancer = balancer or of_port.load_balancer
            pool = pool or of_port.connection_pool
            outlier = outlier or of_port.outlier_detection
            break
        balancer = balancer or policy.load_balancer
        pool = pool or policy.connection_pool
        outlier = outlier or policy.outlier_detection
        budget = budget or policy.retry_budget
    upgraded = pool is not None and pool.http is not None and pool.http.h2_upgrade_policy == "UPGRADE"
    cluster = Cluster(
        name=name,
        pool=connection_pool(pool),
        outlier=outlier_of(outlier),
        http2=is_http2(port) or upgraded,
        detected=is_detected(port) and not upgraded,
        retry_budget=retry_budget(budget),
    )
    return with_load_balancer(cluster, balancer) if balancer is not None else cluster
