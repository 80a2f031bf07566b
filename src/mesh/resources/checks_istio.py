"""What Istio's webhook refuses in a VirtualService, DestinationRule or Gateway."""

from collections.abc import Iterator, Sequence

from mesh.resources.destination_rule import DestinationRule, TrafficPolicy
from mesh.resources.durations import seconds
from mesh.resources.gateway import Gateway
from mesh.resources.istio import StringMatch
from mesh.resources.names import wrong_host, wrong_label, wrong_labels, wrong_port
from mesh.resources.problems import FieldError, meant
from mesh.resources.virtual_service import Destination, HTTPMatchRequest, HTTPRoute, VirtualService

Errors = Iterator[FieldError]
MOST_ROUTES = 5_000
LONGEST_REGEX = 1024
SIMPLE = ("UNSPECIFIED", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN")
PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS")
SERVED = ("HTTP", "HTTP2", "GRPC")
REDIRECTS = (301, 302, 303, 307, 308)


def check_virtual_service(typed: VirtualService) -> Errors:
    spec = typed.spec
    if not spec.http and not spec.tcp and not spec.tls:
        yield FieldError("spec.http", "is empty; a VirtualService needs one route at least")
    if len(spec.http) > MOST_ROUTES:
        yield FieldError("spec.http", f"{len(spec.http)} routes; {MOST_ROUTES} at the most")
        return
    yield from _hosts(spec.hosts, "spec.hosts", "mesh" in spec.gateways or not spec.gateways)
    for number, gateway in enumerate(spec.gateways):
        for part in gateway.split("/"):
            if wrong := wrong_label(part):
                yield FieldError(f"spec.gateways[{number}]", wrong)
    for number, route in enumerate(spec.http):
        yield from _route(route, f"spec.http[{number}]", delegate=not spec.hosts)


def _hosts(hosts: Sequence[str], path: str, in_mesh: bool) -> Errors:
    for number, host in enumerate(hosts):
        if wrong := wrong_host(host):
            yield FieldError(f"{path}[{number}]", wrong)
        if hosts.index(host) != number:
            yield FieldError(f"{path}[{number}]", f'"{host}" stands twice')
        if host == "*" and in_mesh:
            yield FieldError(f"{path}[{number}]", '"*" takes every host; name a gateway, or one host')


def _route(route: HTTPRoute, path: str, *, delegate: bool) -> Errors:
    actions = {
        "route": bool(route.route),
        "redirect": route.redirect is not None,
        "directResponse": route.direct_response is not None,
        "delegate": route.delegate is not None,
    }
    given = [name for name, there in actions.items() if there]
    if len(given) != 1:
        found = f"has {' and '.join(given)}" if given else "has none"
        yield FieldError(path, f"needs exactly one of route, redirect, directResponse, delegate; it {found}")
    if route.delegate is not None and delegate:
        yield FieldError(f"{path}.delegate", "a delegate (a VirtualService without hosts) cannot delegate further")
    for number, block in enumerate(route.match):
        yield from _match(block, f"{path}.match[{number}]")
    yield from _weights(route, path)
    if route.timeout:
        yield from _duration(route.timeout, f"{path}.timeout")
    yield from _retries(route, path)
    yield from _fault(route, path)
    if route.redirect is not None and route.redirect.redirect_code not in REDIRECTS:
        yield FieldError(
            f"{path}.redirect.redirectCode", f"{route.redirect.redirect_code} is none of {_listed(REDIRECTS)}"
        )
    if route.direct_response is not None and not 200 <= route.direct_response.status <= 599:
        yield FieldError(f"{path}.directResponse.status", f"{route.direct_response.status} is not a status (200-599)")
    if route.rewrite is not None and route.rewrite.uri and route.rewrite.uri_regex_rewrite is not None:
        yield FieldError(f"{path}.rewrite.uriRegexRewrite", "does not go with uri")
    if route.cors_policy is not None and route.cors_policy.max_age:
        yield from _duration(route.cors_policy.max_age, f"{path}.corsPolicy.maxAge")
    if route.mirror is not None:
        yield from _destination(route.mirror, f"{path}.mirror")


def _weights(route: HTTPRoute, path: str) -> Errors:
    total = 0
    for number, each in enumerate(route.route):
        yield from _destination(each.destination, f"{path}.route[{number}].destination")
        if each.weight < 0:
            yield FieldError(f"{path}.route[{number}].weight", f"{each.weight} is below 0")
        total += each.weight
    if len(route.route) > 1 and total == 0:
        yield FieldError(f"{path}.route", "the weights add up to 0")
    if total > 2**32 - 1:
        yield FieldError(f"{path}.route", f"the weights add up to {total}; 4294967295 at the most")


def _destination(destination: Destination, path: str) -> Errors:
    if wrong := wrong_host(destination.host):
        yield FieldError(f"{path}.host", wrong)
    elif destination.host.startswith("*"):
        yield FieldError(f"{path}.host", "a destination is one host, not a wildcard")
    if destination.port is not None and (wrong := wrong_port(destination.port.number)):
        yield FieldError(f"{path}.port.number", wrong)


def _match(block: HTTPMatchRequest, path: str) -> Errors:
    for name, match in (
        ("uri", block.uri),
        ("scheme", block.scheme),
        ("method", block.method),
        ("authority", block.authority),
    ):
        if match is not None:
            yield from _string(match, f"{path}.{name}", presence=False)
    for group, matches in (
        ("headers", block.headers),
        ("withoutHeaders", block.without_headers),
        ("queryParams", block.query_params),
    ):
        for name, match in matches.items():
            if not name:
                yield FieldError(f"{path}.{group}", "has an empty name")
            yield from _string(match, f"{path}.{group}[{name}]", presence=group != "queryParams")
    if block.port and (wrong := wrong_port(block.port)):
        yield FieldError(f"{path}.port", wrong)
    yield from (FieldError(f"{path}.sourceLabels[{key}]", why) for key, why in wrong_labels(block.source_labels))


def _string(match: StringMatch, path: str, *, presence: bool) -> Errors:
    given = [value for value in (match.exact, match.prefix, match.regex) if value is not None]
    if len(given) > 1 or (not given and not presence):
        yield FieldError(path, "needs exactly one of exact, prefix, regex")
    if match.regex is not None and len(match.regex) > LONGEST_REGEX:
        yield FieldError(f"{path}.regex", f"{len(match.regex)} characters; {LONGEST_REGEX} at the most")
    if match.prefix == "":
        yield FieldError(f"{path}.prefix", "is empty")


def _retries(route: HTTPRoute, path: str) -> Errors:
    retries = route.retries
    if retries is None:
        return
    if retries.attempts < 0:
        yield FieldError(f"{path}.retries.attempts", f"{retries.attempts} is below 0")
    if retries.per_try_timeout:
        yield from _duration(retries.per_try_timeout, f"{path}.retries.perTryTimeout")
    if retries.backoff:
        yield from _duration(retries.backoff, f"{path}.retries.backoff")


def _fault(route: HTTPRoute, path: str) -> Errors:
    fault = route.fault
    if fault is None:
        return
    if fault.delay is None and fault.abort is None:
        yield FieldError(f"{path}.fault", "needs delay or abort")
    for name, part in (("delay", fault.delay), ("abort", fault.abort)):
        if part is not None and part.percentage is not None and not 0 <= part.percentage.value <= 100:
            yield FieldError(f"{path}.fault.{name}.percentage.value", f"{part.percentage.value:g} is not in 0-100")
    if fault.delay is not None:
        yield from _duration(fault.delay.fixed_delay, f"{path}.fault.delay.fixedDelay")
    if fault.abort is not None:
        if fault.abort.grpc_status:
            yield FieldError(f"{path}.fault.abort.grpcStatus", "is not known here; httpStatus is")
        elif not 200 <= fault.abort.http_status <= 599:
            yield FieldError(f"{path}.fault.abort.httpStatus", f"{fault.abort.http_status} is not a status (200-599)")


def check_destination_rule(typed: DestinationRule) -> Errors:
    spec = typed.spec
    if wrong := wrong_host(spec.host):
        yield FieldError("spec.host", wrong)
    if spec.traffic_policy is not None:
        yield from _policy(spec.traffic_policy, "spec.trafficPolicy")
    names: set[str] = set()
    for number, subset in enumerate(spec.subsets):
        path = f"spec.subsets[{number}]"
        if wrong := wrong_label(subset.name.lower()):
            yield FieldError(f"{path}.name", wrong)
        if subset.name in names:
            yield FieldError(f"{path}.name", f'"{subset.name}" stands twice')
        names.add(subset.name)
        yield from (FieldError(f"{path}.labels[{key}]", why) for key, why in wrong_labels(subset.labels))
        if subset.traffic_policy is not None:
            yield from _policy(subset.traffic_policy, f"{path}.trafficPolicy")


def _policy(policy: TrafficPolicy, path: str) -> Errors:
    balancer = policy.load_balancer
    if balancer is not None and balancer.simple and balancer.simple not in SIMPLE:
        yield FieldError(
            f"{path}.loadBalancer.simple",
            f'"{balancer.simple}" is no load balancer{meant(balancer.simple, SIMPLE)}',
        )
    pool = policy.connection_pool
    if pool is not None:
        if pool.tcp is not None and pool.tcp.connect_timeout:
            yield from _duration(pool.tcp.connect_timeout, f"{path}.connectionPool.tcp.connectTimeout")
        if pool.http is not None and pool.http.idle_timeout:
            yield from _duration(pool.http.idle_timeout, f"{path}.connectionPool.http.idleTimeout")
        numbers: list[tuple[str, int]] = []
        if pool.tcp is not None:
            numbers.append(("tcp.maxConnections", pool.tcp.max_connections))
        if pool.http is not None:
            numbers += [
                ("http.http1MaxPendingRequests", pool.http.http1_max_pending_requests),
                ("http.http2MaxRequests", pool.http.http2_max_requests),
                ("http.maxRequestsPerConnection", pool.http.max_requests_per_connection),
                ("http.maxRetries", pool.http.max_retries),
            ]
        for name, value in numbers:
            if not 0 <= value < 2**31:
                yield FieldError(f"{path}.connectionPool.{name}", f"{value} is not in 0-2147483647")
    outlier = policy.outlier_detection
    if outlier is not None:
        for name, text in (("interval", outlier.interval), ("baseEjectionTime", outlier.base_ejection_time)):
            if text:
                yield from _duration(text, f"{path}.outlierDetection.{name}", positive=True)
        for name, percent in (
            ("maxEjectionPercent", outlier.max_ejection_percent),
            ("minHealthPercent", outlier.min_health_percent),
        ):
            if percent is not None and not 0 <= percent <= 100:
                yield FieldError(f"{path}.outlierDetection.{name}", f"{percent} is not in 0-100")


def check_gateway(typed: Gateway) -> Errors:
    if not typed.spec.servers:
        yield FieldError("spec.servers", "is empty; a Gateway needs one server at least")
    for number, server in enumerate(typed.spec.servers):
        path = f"spec.servers[{number}]"
        if wrong := wrong_port(server.port.number):
            yield FieldError(f"{path}.port.number", wrong)
        protocol = server.port.protocol.upper()
        if protocol not in PROTOCOLS:
            yield FieldError(
                f"{path}.port.protocol",
                f'"{server.port.protocol}" is no protocol{meant(protocol, PROTOCOLS)}',
            )
        elif protocol not in SERVED:
            yield FieldError(
                f"{path}.port.protocol", f'"{server.port.protocol}" is not served yet; {_listed(SERVED)} are'
            )
        if not server.hosts:
            yield FieldError(f"{path}.hosts", 'is empty; "*" takes every host')
        for place, host in enumerate(server.hosts):
            if wrong := wrong_host(host.rpartition("/")[2]):
                yield FieldError(f"{path}.hosts[{place}]", wrong)


def _duration(text: str, path: str, *, positive: bool = False) -> Errors:
    try:
        value = seconds(text)
    except ValueError as error:
        yield FieldError(path, str(error))
        return
    if (positive and value < 0.001) or (0 < value < 0.001):
        yield FieldError(path, f'"{text}" is below 1ms')


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
