"""Where a rule sends requests: backends with their weights, mirrors, timeouts and retries. Pure."""

from dataclasses import replace

from mesh.resources.gateway_api.types import BackendRef, HTTPRequestMirrorFilter, HTTPRoute, HTTPRouteRule
from mesh.resources.istio.common import GRPC_STATUSES, PortSelector
from mesh.resources.istio.virtual_service import Destination
from mesh.resources.values.durations import seconds
from mesh.routing.gateway_api.headers import header_changes
from mesh.routing.gateway_api.place import Where
from mesh.routing.gateway_api.references import HttpRoute, HttpRule, References, backend_host
from mesh.routing.model.route import Fault, Forward, Respond, Retry, WeightedCluster
from mesh.routing.virtual_service.retry import DEFAULT_RETRY, STATUS_CODES

NO_BACKEND = "mesh-mall: this rule has no backend that can be used\n"


def forward_of(
    route: HttpRoute, rule: HttpRule, references: References, where: Where
) -> tuple[Forward | Respond, Fault | None]:
    """Where requests go. The share of backends that cannot be used is aborted: with 500, or UNAVAILABLE for gRPC."""
    wrong, to = 0, []
    for ref in rule.backend_refs:
        if references.wrong_backend(route, ref) is not None:
            wrong += ref.weight
        elif ref.weight:
            to.append(WeightedCluster(_cluster(route, ref, where), ref.weight, header_changes(ref.filters)))
    is_http = isinstance(route, HTTPRoute)
    if not to:
        # A gRPC client takes 503 for UNAVAILABLE.
        return Respond(500 if is_http else 503, NO_BACKEND), None
    fault = None
    if wrong:
        fault = Fault(
            abort_status=500 if is_http else None,
            abort_grpc=None if is_http else GRPC_STATUSES["UNAVAILABLE"],
            abort_percent=100 * wrong / (wrong + sum(destination.weight for destination in to)),
        )
    mirrors = tuple(
        _mirror(route, mirror, where)
        for mirror in (filter_.request_mirror for filter_ in rule.filters)
        if mirror is not None and references.wrong_backend(route, mirror.backend_ref) is None
    )
    timeout, retry = _times(rule)
    return Forward(tuple(to), timeout=timeout, retry=retry, mirrors=mirrors), fault


def _cluster(route: HttpRoute, ref: BackendRef, where: Where) -> str:
    destination = Destination(host=backend_host(route, ref), port=PortSelector(number=ref.port))
    return where.place.names.always(destination, route.metadata.namespace)


def _mirror(route: HttpRoute, mirror: HTTPRequestMirrorFilter, where: Where) -> tuple[str, float]:
    percent = 100.0
    if mirror.percent is not None:
        percent = float(mirror.percent)
    elif mirror.fraction is not None:
        percent = 100 * mirror.fraction.numerator / mirror.fraction.denominator
    ref = mirror.backend_ref
    return _cluster(route, BackendRef(name=ref.name, namespace=ref.namespace, port=ref.port), where), percent


def _times(rule: HttpRule) -> tuple[float | None, Retry | None]:
    """The timeout of the request, and retries with the timeout of each try; GRPCRoutes have neither."""
    if not isinstance(rule, HTTPRouteRule):
        return None, DEFAULT_RETRY
    retry = _retry(rule)
    timeouts = rule.timeouts
    if timeouts is None:
        return None, retry
    per_try = (seconds(timeouts.backend_request) or None) if timeouts.backend_request else None
    if per_try is not None:
        retry = replace(retry, per_try_timeout=per_try)
    return (seconds(timeouts.request) or None) if timeouts.request else None, retry


def _retry(rule: HTTPRouteRule) -> Retry:
    """The specification leaves the number of attempts open where a rule says none: one, as in Envoy Gateway."""
    if rule.retry is None:
        return DEFAULT_RETRY
    # A rule that asks for retries has them for broken connections and for tries that took too long, too, whatever had
    # been sent by then (HTTPRouteRetry, "codes").
    codes, conditions = tuple(rule.retry.codes), (*DEFAULT_RETRY.retry_on, "reset")
    return Retry(
        attempts=1 if rule.retry.attempts is None else rule.retry.attempts,
        retry_on=(*conditions, STATUS_CODES) if codes else conditions,
        status_codes=codes,
        backoff=(seconds(rule.retry.backoff) or None) if rule.retry.backoff else None,
    )
