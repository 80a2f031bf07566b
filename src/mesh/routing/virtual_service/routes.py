"""VirtualService.http to rows of a route table: one row a match block, in order (Istio's meaning)."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from mesh.resources.checks.authorization_policy import CLAIM
from mesh.resources.checks.virtual_service import CLAIM_KEY
from mesh.resources.istio.common import GRPC_STATUSES, Percent, StringMatch
from mesh.resources.istio.virtual_service import (
    CorsPolicy,
    Destination,
    HeaderOperations,
    Headers,
    HTTPFaultInjection,
    HTTPMatchRequest,
    HTTPRedirect,
    HTTPRetry,
    HTTPRoute,
    VirtualService,
)
from mesh.resources.values.durations import seconds
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.model.match import ClaimMatch, FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.route import (
    Cors,
    Fault,
    Forward,
    HeaderChange,
    HeaderChanges,
    Redirect,
    Respond,
    Retry,
    Rewrite,
    Route,
    WeightedCluster,
)
from mesh.routing.virtual_service.delegates import delegated

MESH = "mesh"
AUTHORITY = (":authority", "host")
# Istio's default policy since 1.24: a 503 is not retried, a connection that broke before the request left is.
DEFAULT_RETRY = Retry(2, ("connect-failure", "refused-stream", "unavailable", "cancelled", "reset-before-request"))

Resolve = Callable[[Destination, str], str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows are for: a gateway ("ns/name") or the mesh, called from a namespace, on a port.

    `cluster_for` names the cluster of a destination as written in a namespace; None when there is none. `nobody`
    names one without endpoints, for a share of requests whose destination is missing. `here` is the port that
    clients really call. `asked` tells the clusters that were named until now, with the objects behind them.
    """

    gateway: str
    namespace: str
    port: int
    cluster_for: Resolve
    labels: Mapping[str, str]
    nobody: Callable[[Destination, str], str]
    here: int = 0
    asked: Callable[[], Iterable[tuple[str, tuple[Ref, ...]]]] = tuple


def rows(rule: VirtualService, place: Place, delegates: Mapping[str, VirtualService]) -> Iterator[Route]:
    """The rows of one VirtualService at one place."""
    namespace = rule.metadata.namespace
    for number, route in enumerate(rule.spec.http):
        label = route.name or str(number)
        if route.delegate is None:
            yield from _expand(rule, route, label, place, (ref_of(rule),))
            continue
        wanted = f"{route.delegate.namespace or namespace}/{route.delegate.name}"
        delegate = delegates.get(wanted)
        if delegate is None:
            # Istio leaves a route out whose delegate is missing.
            continue
        origins = (ref_of(rule), ref_of(delegate))
        for place_number, inner in enumerate(delegate.spec.http):
            merged = delegated(route, inner)
            if merged is not None:
                inner_label = f"{label}-{inner.name or place_number}"
                yield from _expand(delegate, merged, inner_label, place, origins)


def _expand(
    rule: VirtualService, route: HTTPRoute, label: str, place: Place, origins: tuple[Ref, ...]
) -> Iterator[Route]:
    namespace = rule.metadata.namespace
    bound = rule.spec.gateways or [MESH]
    name = f"{namespace}/{rule.metadata.name}[{label}]"
    action = None
    for block in route.match or [HTTPMatchRequest()]:
        gateways = block.gateways or bound if rule.spec.hosts else block.gateways
        if gateways and place.gateway not in {_qualified(each, namespace) for each in gateways}:
            continue
        if block.port and block.port != place.port:
            continue
        if block.source_namespace and place.gateway == MESH and block.source_namespace != place.namespace:
            continue
        if place.gateway != MESH and any(place.labels.get(key) != value for key, value in block.source_labels.items()):
            continue
        if place.gateway == MESH and any(
            CLAIM_KEY.fullmatch(name) for name in (*block.headers, *block.without_headers)
        ):
            # Tokens are checked before rows are chosen at gateways alone.
            continue
        if action is None:
            action = _action(route, namespace, place)
        for match in _matches(block, at_gateway=place.gateway != MESH):
            yield Route(
                name=name,
                match=match,
                action=action,
                headers=replace(_headers(route.headers), authority=""),
                fault=_fault(route.fault),
                cors=_cors(route.cors_policy),
                origins=origins,
                stat_prefix=block.stat_prefix,
            )


def _qualified(gateway: str, namespace: str) -> str:
    return gateway if gateway == MESH or "/" in gateway else f"{namespace}/{gateway}"


def _matches(block: HTTPMatchRequest, *, at_gateway: bool) -> Iterator[Match]:
    """One match for nearly every block. Envoy tells a header that is missing from one that is empty in no single
    inverted match: where that matters (`withoutHeaders` with what also takes the empty text), two rows do it."""
    excluded: list[tuple[FieldMatch, ...]] = []
    for name, match in sorted(block.without_headers.items()):
        if CLAIM_KEY.fullmatch(name):
            continue
        pattern = _pattern(match)
        if pattern.kind is MatchKind.REGEX and pattern.value in (".*", "^.*$"):
            pattern = Pattern(MatchKind.PRESENT)
        without = FieldMatch(name.lower(), pattern, invert=True)
        alternatives: tuple[FieldMatch, ...] = (without,)
        if _takes_empty(pattern):
            alternatives = (FieldMatch(name.lower(), Pattern(MatchKind.PRESENT), invert=True), without)
        excluded.append(alternatives)
    plain = _match(block, at_gateway=at_gateway)
    for chosen in product(*excluded):
        yield replace(plain, headers=(*plain.headers, *chosen))


def _takes_empty(pattern: Pattern) -> bool:
    if pattern.kind is MatchKind.REGEX:
        try:
            return re.fullmatch(pattern.value, "") is not None
        except re.error:  # RE2 has words that Python does not know
            return False
    return pattern.kind is not MatchKind.PRESENT and pattern.value == ""


def _match(block: HTTPMatchRequest, *, at_gateway: bool) -> Match:
    headers = [
        FieldMatch(name, _pattern(match))
        for name, match in (
            (":method", block.method),
            (":scheme", block.scheme),
            (":authority", block.authority),
        )
        if match is not None
    ]
    named = sorted(block.headers.items())
    headers += [FieldMatch(name.lower(), _pattern(match)) for name, match in named if not CLAIM_KEY.fullmatch(name)]
    return Match(
        path=_pattern(block.uri, ignore_case=block.ignore_uri_case) if block.uri is not None else None,
        headers=tuple(headers),
        query=tuple(FieldMatch(name, _pattern(match)) for name, match in sorted(block.query_params.items())),
        source_labels=() if at_gateway else tuple(sorted(block.source_labels.items())),
        claims=(*_claims(block.headers, invert=False), *_claims(block.without_headers, invert=True)),
    )


def _claims(headers: Mapping[str, StringMatch], *, invert: bool) -> Iterator[ClaimMatch]:
    """`@request.auth.claims.a.b` and `@request.auth.claims[a][b]` ask what the token says."""
    for name, match in sorted(headers.items()):
        if found := CLAIM_KEY.fullmatch(name):
            path = tuple(found[1].split(".")) if found[1] else tuple(CLAIM.findall(found[2]))
            yield ClaimMatch(path, _pattern(match), invert)


def _pattern(match: StringMatch, *, ignore_case: bool = False) -> Pattern:
    if match.exact is not None:
        return Pattern(MatchKind.EXACT, match.exact, ignore_case)
    if match.prefix is not None:
        return Pattern(MatchKind.PREFIX, match.prefix, ignore_case)
    if match.regex is not None:
        return Pattern(MatchKind.REGEX, match.regex)
    return Pattern(MatchKind.PRESENT)


def _action(route: HTTPRoute, namespace: str, place: Place) -> Forward | Redirect | Respond:
    if route.redirect is not None:
        return _redirect(route.redirect, place)
    if route.direct_response is not None:
        body = route.direct_response.body
        text = ""
        if body is not None and body.string is not None:
            text = body.string
        elif body is not None and body.bytes is not None:
            text = base64.b64decode(body.bytes).decode(errors="replace")
        return Respond(route.direct_response.status, text)
    return _forward(route, namespace, place)


def _forward(route: HTTPRoute, namespace: str, place: Place) -> Forward | Respond:
    to: list[WeightedCluster] = []
    missing: list[str] = []
    for each in route.route:
        weight = each.weight if len(route.route) > 1 else 100
        if weight == 0:
            continue
        cluster = place.cluster_for(each.destination, namespace)
        if cluster is None:
            missing.append(each.destination.host)
            cluster = place.nobody(each.destination, namespace)
        to.append(WeightedCluster(cluster, weight, _headers(each.headers)))
    if len(missing) == len(to) and route.cors_policy is None:
        return Respond(503, f"no Service is named {', '.join(missing)}")
    mirrors = [(each.destination, each.percentage) for each in route.mirrors]
    if route.mirror is not None:
        share = route.mirror_percentage
        if share is None and route.mirror_percent is not None:
            share = Percent(value=float(route.mirror_percent))
        mirrors.insert(0, (route.mirror, share))
    return Forward(
        to=tuple(to),
        timeout=(seconds(route.timeout) or None) if route.timeout else None,
        retry=_retry(route.retries),
        rewrite=_rewrite(route),
        mirrors=tuple(
            (cluster, share.value if share is not None else 100.0)
            for destination, share in mirrors
            if (cluster := place.cluster_for(destination, namespace)) is not None
        ),
    )


def _retry(retries: HTTPRetry | None) -> Retry | None:
    if retries is None:
        return DEFAULT_RETRY
    if retries.attempts <= 0:
        return None
    words = [word.strip() for word in retries.retry_on.split(",") if word.strip()]
    codes = tuple(int(word) for word in words if word.isdigit())
    conditions = tuple(word for word in words if not word.isdigit())
    if codes and "retriable-status-codes" not in conditions:
        conditions = (*conditions, "retriable-status-codes")
    return Retry(
        attempts=retries.attempts,
        retry_on=conditions or DEFAULT_RETRY.retry_on,
        status_codes=codes,
        per_try_timeout=seconds(retries.per_try_timeout) if retries.per_try_timeout else None,
        avoid_previous_hosts=retries.retry_ignore_previous_hosts is not False,
        backoff=(seconds(retries.backoff) or None) if retries.backoff else None,
    )


def _rewrite(route: HTTPRoute) -> Rewrite | None:
    rewrite = route.rewrite
    authority = _headers(route.headers).authority
    if rewrite is None:
        return Rewrite(authority=authority) if authority else None
    regex = rewrite.uri_regex_rewrite
    return Rewrite(
        authority=authority or rewrite.authority or None,
        prefix=rewrite.uri or None,
        regex=regex.match if regex is not None else None,
        substitution=regex.rewrite if regex is not None else None,
    )


DEFAULT_PORTS = {"http": 80, "https": 443}


def _redirect(redirect: HTTPRedirect, place: Place) -> Redirect:
    port = redirect.port or None
    if redirect.derive_port == "FROM_PROTOCOL_DEFAULT":
        port = DEFAULT_PORTS.get(redirect.scheme or "http")
    elif redirect.derive_port == "FROM_REQUEST_PORT":
        port = place.here or place.port
    return Redirect(
        status=redirect.redirect_code,
        scheme=redirect.scheme or None,
        authority=redirect.authority or None,
        port=port,
        path=redirect.uri or None,
    )


def _fault(fault: HTTPFaultInjection | None) -> Fault | None:
    if fault is None:
        return None
    delay, abort = fault.delay, fault.abort
    delay_percent = 100.0
    if delay is not None and delay.percentage is not None:
        delay_percent = delay.percentage.value
    elif delay is not None and delay.percent is not None:
        delay_percent = float(delay.percent)
    return Fault(
        delay=seconds(delay.fixed_delay) if delay is not None else None,
        delay_percent=delay_percent,
        abort_status=abort.http_status if abort is not None and not abort.grpc_status else None,
        abort_grpc=GRPC_STATUSES.get(abort.grpc_status) if abort is not None and abort.grpc_status else None,
        abort_percent=abort.percentage.value if abort is not None and abort.percentage is not None else 100.0,
    )


def _cors(policy: CorsPolicy | None) -> Cors | None:
    if policy is None:
        return None
    origins = [_pattern(match) for match in policy.allow_origins]
    origins += [Pattern(MatchKind.EXACT, origin) for origin in policy.allow_origin]
    return Cors(
        allow_origins=tuple(origins),
        allow_methods=tuple(policy.allow_methods),
        allow_headers=tuple(policy.allow_headers),
        expose_headers=tuple(policy.expose_headers),
        max_age=seconds(policy.max_age) if policy.max_age else None,
        allow_credentials=policy.allow_credentials,
        forward_unmatched=policy.unmatched_preflights != "IGNORE",
    )


def _headers(headers: Headers | None) -> HeaderChanges:
    if headers is None:
        return HeaderChanges()
    said = {**headers.request.add, **headers.request.set} if headers.request is not None else {}
    authority = next((value for name, value in sorted(said.items()) if name.lower() in AUTHORITY), "")
    return HeaderChanges(_change(headers.request), _change(headers.response), authority)


def _change(operations: HeaderOperations | None) -> HeaderChange:
    if operations is None:
        return HeaderChange()
    return HeaderChange(
        tuple(sorted((name, value) for name, value in operations.set.items() if name.lower() not in AUTHORITY)),
        tuple(sorted((name, value) for name, value in operations.add.items() if name.lower() not in AUTHORITY)),
        tuple(operations.remove),
    )
