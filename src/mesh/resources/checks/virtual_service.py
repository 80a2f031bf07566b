"""What Istio's webhook refuses in a VirtualService."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus

from mesh.resources.checks.exports import check_exports
from mesh.resources.checks.l4_matches import check_l4_matches
from mesh.resources.istio.common import GRPC_STATUSES, Percent, StringMatch
from mesh.resources.istio.virtual_service import (
    Destination,
    HeaderOperations,
    Headers,
    HTTPFaultInjection,
    HTTPMatchRequest,
    HTTPRoute,
    HTTPRouteDestination,
    RouteDestination,
    VirtualService,
)
from mesh.resources.values.durations import wrong_duration
from mesh.resources.values.hosts import covers
from mesh.resources.values.names import (
    HEADER,
    none_of,
    wrong_host,
    wrong_label,
    wrong_labels,
    wrong_port,
    wrong_subdomain,
)
from mesh.resources.values.problems import FieldError, duplicate, meant, required
from mesh.resources.values.regex import wrong_regex

Errors = Iterator[FieldError]
MOST_ROUTES = 5_000
REDIRECTS = (301, 302, 303, 307, 308)
DERIVED_PORTS = ("", "FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")
WHOLE = 2**32 - 1
# Envoy's conditions for retries; the number of an HTTP status is a condition too.
RETRY_CONDITIONS = (
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE")
PREFLIGHTS = ("", "UNSPECIFIED", "FORWARD", "IGNORE")
LONGEST_BODY = 1 << 20
LEAST_SHARE = 0.0001
AUTHORITY = (":authority", "host")
# A header's value as Envoy reads it: text, `%%` for a percent sign, commands with or without arguments.
FORMAT = re.compile(r"(?:[^%]|%%|%[^%(]+(?:\((?:[^\\)]|\\.)*\) *[^%]*)?%)*", re.DOTALL)
STATUSES = frozenset(str(status.value) for status in HTTPStatus)
# A claim of the request's token, at a gateway (Istio's JWT claim based routing).
CLAIM_KEY = re.compile(r"@request\.auth\.claims(?:\.([^\[\]]+)|((?:\[[^\[\]]+\])+))")


def check_virtual_service(rule: VirtualService) -> Errors:
    """Everything wrong with a VirtualService by itself; `analysis.rule_references` checks what it names."""
    spec = rule.spec
    if not spec.http and not spec.tcp and not spec.tls:
        yield required("spec.http", "is empty; a VirtualService needs at least one route")
    if len(spec.http) > MOST_ROUTES:
        yield FieldError("spec.http", f"{len(spec.http)} routes; at most {MOST_ROUTES}")
        return
    if not spec.hosts and spec.gateways:
        yield FieldError("spec.gateways", "cannot be used with a delegate, which is a VirtualService without hosts")
    in_mesh = "mesh" in spec.gateways or not spec.gateways
    yield from _hosts(spec.hosts, in_mesh=in_mesh)
    yield from check_exports(spec.export_to, rule.metadata.namespace)
    yield from _gateways(spec.gateways, "spec.gateways")
    for number, route in enumerate(spec.http):
        yield from _route(route, f"spec.http[{number}]", delegate=not spec.hosts)
        if spec.hosts and not spec.gateways:
            yield from _claims(route, f"spec.http[{number}]")
    yield from check_l4_matches(spec)
    raw = [(f"spec.tcp[{number}]", layer4.route) for number, layer4 in enumerate(spec.tcp)]
    raw += [(f"spec.tls[{number}]", layer4.route) for number, layer4 in enumerate(spec.tls)]
    for path, destinations in raw:
        yield from _destinations(destinations, path)
        if not destinations:
            yield required(f"{path}.route", "is empty")


def _claims(route: HTTPRoute, path: str) -> Errors:
    """Tokens are checked before the row is chosen at gateways only."""
    for number, block in enumerate(route.match):
        for group, names in (("headers", block.headers), ("withoutHeaders", block.without_headers)):
            for name in names:
                if CLAIM_KEY.fullmatch(name):
                    where = f"{path}.match[{number}].{group}[{name[:80]}]"
                    yield FieldError(where, "claims are compared at gateways only; name the gateways in spec.gateways")


def _hosts(hosts: Sequence[str], *, in_mesh: bool) -> Errors:
    seen: set[str] = set()
    for number, host in enumerate(hosts):
        path = f"spec.hosts[{number}]"
        if wrong := wrong_host(host):
            yield FieldError(path, wrong)
        if host.lower() in seen:
            yield duplicate(path, host)
        seen.add(host.lower())
        if host == "*" and in_mesh:
            yield FieldError(path, '"*" matches every host; name a gateway, or one host')
        # Envoy finds one of them for a request, so that the other would never count.
        for other in hosts[:number]:
            if other.lower() != host.lower() and (covers(other, host) or covers(host, other)):
                yield FieldError(path, f'"{host[:80]}" overlaps "{other[:80]}"; write them in two VirtualServices')


def _gateways(gateways: Sequence[str], path: str) -> Errors:
    for number, gateway in enumerate(gateways):
        namespace, slash, name = gateway.rpartition("/")
        wrong = wrong_subdomain(name) or (wrong_label(namespace) if slash else "")
        if wrong:
            yield FieldError(
                f"{path}[{number}]",
                f'"{gateway[:80]}" does not name a Gateway; use "<name>", "<namespace>/<name>" or "mesh"',
            )


def _route(route: HTTPRoute, path: str, *, delegate: bool) -> Errors:
    yield from _action(route, path, delegate=delegate)
    for number, block in enumerate(route.match):
        yield from _match(block, f"{path}.match[{number}]")
    yield from _destinations(route.route, path)
    if route.timeout:
        yield from wrong_duration(route.timeout, f"{path}.timeout", positive=True)
    yield from _retries(route, path)
    if route.fault is not None:
        yield from check_fault(route.fault, f"{path}.fault")
    yield from _redirect(route, path)
    yield from _direct_response(route, path)
    yield from _rewrite(route, path)
    yield from _cors(route, path)
    yield from _mirrors(route, path)
    yield from _headers(route.headers, f"{path}.headers")
    rewritten = route.rewrite is not None and bool(route.rewrite.authority)
    if rewritten and route.headers is not None and _authorities(route.headers.request):
        yield FieldError(f"{path}.rewrite.authority", "is set by headers.request, too; set it once")


def _action(route: HTTPRoute, path: str, *, delegate: bool) -> Errors:
    actions = {
        "route": bool(route.route),
        "redirect": route.redirect is not None,
        "directResponse": route.direct_response is not None,
        "delegate": route.delegate is not None,
    }
    given = [name for name, is_set in actions.items() if is_set]
    if len(given) != 1:
        actual = f"has {' and '.join(given)}" if given else "has none"
        yield FieldError(path, f"needs exactly one of route, redirect, directResponse, delegate; it {actual}")
    if route.delegate is not None:
        if delegate:
            yield FieldError(f"{path}.delegate", "a delegate (a VirtualService without hosts) cannot delegate further")
        if wrong := wrong_subdomain(route.delegate.name):
            yield FieldError(f"{path}.delegate.name", wrong)
    for name in ("redirect", "directResponse"):
        if actions[name]:
            for other, value in (("fault", route.fault), ("rewrite", route.rewrite)):
                if value is not None:
                    yield FieldError(f"{path}.{other}", f"cannot be used with {name}")


def _match(block: HTTPMatchRequest, path: str) -> Errors:
    if block.uri is not None:
        yield from _string(block.uri, f"{path}.uri", empty_prefix=True)
    for name, match in (("scheme", block.scheme), ("method", block.method), ("authority", block.authority)):
        if match is not None:
            yield from _string(match, f"{path}.{name}")
    for group, matches in (("headers", block.headers), ("withoutHeaders", block.without_headers)):
        for name, match in matches.items():
            where = f"{path}.{group}[{name[:80]}]"
            if name.startswith("@"):
                if not CLAIM_KEY.fullmatch(name):
                    yield FieldError(where, 'is not supported; use "@request.auth.claims[NAME]" for a claim')
            elif not HEADER.fullmatch(name.removeprefix(":")):
                yield FieldError(where, "is not a header's name")
            yield from _string(match, where, presence=True)
    for name, match in block.query_params.items():
        if not name:
            yield FieldError(f"{path}.queryParams", "has an empty name")
        yield from _string(match, f"{path}.queryParams[{name[:80]}]", presence=True)
    if block.port and (wrong := wrong_port(block.port)):
        yield FieldError(f"{path}.port", wrong)
    yield from (FieldError(f"{path}.sourceLabels[{key}]", why) for key, why in wrong_labels(block.source_labels))
    if block.source_namespace and (wrong := wrong_label(block.source_namespace)):
        yield FieldError(f"{path}.sourceNamespace", wrong)
    yield from _gateways(block.gateways, f"{path}.gateways")


def _string(match: StringMatch, path: str, *, presence: bool = False, empty_prefix: bool = False) -> Errors:
    given = [value for value in (match.exact, match.prefix, match.regex) if value is not None]
    if len(given) > 1 or (not given and not presence):
        yield FieldError(path, "needs exactly one of exact, prefix, regex")
    if match.regex is not None:
        if not match.regex:
            yield required(f"{path}.regex", 'is empty; ".*" matches any text')
        elif wrong := wrong_regex(match.regex):
            yield FieldError(f"{path}.regex", wrong)
    if match.prefix == "" and not empty_prefix:
        yield required(f"{path}.prefix", "is empty")


def _destinations(routes: Sequence[HTTPRouteDestination | RouteDestination], path: str) -> Errors:
    total = 0
    for number, weighted in enumerate(routes):
        where = f"{path}.route[{number}]"
        yield from _destination(weighted.destination, f"{where}.destination")
        if weighted.weight < 0:
            yield FieldError(f"{where}.weight", f"{weighted.weight} is below 0")
        if isinstance(weighted, HTTPRouteDestination):
            yield from _headers(weighted.headers, f"{where}.headers")
        total += weighted.weight
    if len(routes) > 1 and total == 0:
        yield FieldError(f"{path}.route", "the weights add up to 0")
    if total > WHOLE:
        yield FieldError(f"{path}.route", f"the weights add up to {total}; at most {WHOLE}")


def _destination(destination: Destination, path: str) -> Errors:
    if wrong := wrong_host(destination.host):
        yield FieldError(f"{path}.host", wrong)
    elif destination.host.startswith("*"):
        yield FieldError(f"{path}.host", "a destination is one host, not a wildcard")
    if destination.subset and (wrong := wrong_label(destination.subset.lower())):
        yield FieldError(f"{path}.subset", wrong)
    if destination.port is not None and (wrong := wrong_port(destination.port.number)):
        yield FieldError(f"{path}.port.number", wrong)


def _retries(route: HTTPRoute, path: str) -> Errors:
    retries = route.retries
    if retries is None:
        return
    if not 0 <= retries.attempts < 2**31:
        yield FieldError(f"{path}.retries.attempts", f"{retries.attempts} is not in 0-2147483647")
    if retries.attempts == 0 and (retries.per_try_timeout or retries.retry_on):
        name = "perTryTimeout" if retries.per_try_timeout else "retryOn"
        yield FieldError(f"{path}.retries.{name}", "cannot be used with attempts 0, which switches retries off")
    words = retries.retry_on.split(",") if retries.retry_on else []
    for word in words:
        if word not in RETRY_CONDITIONS and word not in STATUSES:
            message = f'"{word[:80]}" is not a condition{meant(word.strip(), RETRY_CONDITIONS)}'
            if not word or word != word.strip():
                message = f'"{retries.retry_on[:80]}" has blanks or an empty word between the commas'
            yield FieldError(f"{path}.retries.retryOn", message)
    for name, text in (("perTryTimeout", retries.per_try_timeout), ("backoff", retries.backoff)):
        if text:
            yield from wrong_duration(text, f"{path}.retries.{name}", positive=True)


def check_fault(fault: HTTPFaultInjection, path: str) -> Errors:
    """What is wrong with the fault at a path."""
    if fault.delay is None and fault.abort is None:
        yield FieldError(path, "needs delay or abort")
    if fault.delay is not None:
        where = f"{path}.delay"
        yield from _percent(fault.delay.percentage, f"{where}.percentage", least=LEAST_SHARE)
        if fault.delay.exponential_delay:
            yield FieldError(f"{where}.exponentialDelay", "is not supported by Istio; use fixedDelay")
        elif not fault.delay.fixed_delay:
            yield required(f"{where}.fixedDelay", "is missing")
        else:
            yield from wrong_duration(fault.delay.fixed_delay, f"{where}.fixedDelay", positive=True)
    if fault.abort is not None:
        where = f"{path}.abort"
        yield from _percent(fault.abort.percentage, f"{where}.percentage", least=LEAST_SHARE)
        if fault.abort.http2_error:
            yield FieldError(f"{where}.http2Error", "is not supported by Istio; use httpStatus or grpcStatus")
        elif fault.abort.grpc_status:
            if fault.abort.http_status:
                yield FieldError(f"{where}.grpcStatus", "cannot be used with httpStatus")
            yield from none_of(fault.abort.grpc_status, tuple(GRPC_STATUSES), f"{where}.grpcStatus")
        elif not 200 <= fault.abort.http_status <= 599:
            yield FieldError(f"{where}.httpStatus", f"{fault.abort.http_status} is not a status (200-599)")


def _redirect(route: HTTPRoute, path: str) -> Errors:
    redirect = route.redirect
    if redirect is None:
        return
    if redirect.redirect_code not in REDIRECTS:
        codes = ", ".join(map(str, REDIRECTS))
        yield FieldError(f"{path}.redirect.redirectCode", f"{redirect.redirect_code} is none of {codes}")
    if redirect.scheme not in ("", "http", "https"):
        yield FieldError(f"{path}.redirect.scheme", f'"{redirect.scheme[:80]}" is not "http" or "https"')
    parts = (redirect.uri, redirect.authority, redirect.scheme, redirect.prefix_rewrite, redirect.port)
    if not any(parts) and not redirect.derive_port:
        yield FieldError(f"{path}.redirect", "needs uri, prefixRewrite, authority, scheme, port or derivePort")
    if redirect.port and (wrong := wrong_port(redirect.port)):
        yield FieldError(f"{path}.redirect.port", wrong)
    if redirect.derive_port not in DERIVED_PORTS:
        yield FieldError(
            f"{path}.redirect.derivePort", f'"{redirect.derive_port[:80]}" is none of {", ".join(DERIVED_PORTS[1:])}'
        )
    elif redirect.derive_port and redirect.port:
        yield FieldError(f"{path}.redirect.derivePort", "cannot be used with port")
    if redirect.uri and redirect.prefix_rewrite:
        yield FieldError(f"{path}.redirect.prefixRewrite", "cannot be used with uri")


def _direct_response(route: HTTPRoute, path: str) -> Errors:
    response = route.direct_response
    if response is None:
        return
    if not 200 <= response.status <= 599:
        yield FieldError(f"{path}.directResponse.status", f"{response.status} is not a status (200-599)")
    body = response.body
    if body is None:
        return
    if (body.string is None) == (body.bytes is None):
        yield FieldError(f"{path}.directResponse.body", "needs exactly one of string, bytes")
    if body.bytes is not None:
        try:
            base64.b64decode(body.bytes, validate=True)
        except (binascii.Error, ValueError):
            yield FieldError(f"{path}.directResponse.body.bytes", "is not base64; plain text goes into string")
    for name, text in (("string", body.string), ("bytes", body.bytes)):
        size = len(text.encode()) if text else 0
        if size > LONGEST_BODY * (4 / 3 if name == "bytes" else 1):
            yield FieldError(f"{path}.directResponse.body.{name}", "is longer than 1 MB")


def _rewrite(route: HTTPRoute, path: str) -> Errors:
    rewrite = route.rewrite
    if rewrite is None:
        return
    pattern = rewrite.uri_regex_rewrite
    if not rewrite.uri and not rewrite.authority and pattern is None:
        yield FieldError(f"{path}.rewrite", "needs uri, uriRegexRewrite or authority")
    if pattern is None:
        return
    if rewrite.uri:
        yield FieldError(f"{path}.rewrite.uriRegexRewrite", "cannot be used with uri")
    if not pattern.rewrite:
        yield required(f"{path}.rewrite.uriRegexRewrite.rewrite", "is missing")
    if wrong := "is missing" if not pattern.match else wrong_regex(pattern.match):
        yield FieldError(f"{path}.rewrite.uriRegexRewrite.match", wrong)


def _cors(route: HTTPRoute, path: str) -> Errors:
    policy = route.cors_policy
    if policy is None:
        return
    for number, origin in enumerate(policy.allow_origins):
        yield from _string(origin, f"{path}.corsPolicy.allowOrigins[{number}]")
        if origin.exact == "":
            yield required(f"{path}.corsPolicy.allowOrigins[{number}].exact", "is empty")
    for number, method in enumerate(policy.allow_methods):
        if method != "*" and method not in METHODS:
            where = f"{path}.corsPolicy.allowMethods[{number}]"
            yield FieldError(where, f'"{method[:80]}" is not a method{meant(method.upper(), METHODS)}')
    for group, names in (("allowHeaders", policy.allow_headers), ("exposeHeaders", policy.expose_headers)):
        for number, name in enumerate(names):
            if not HEADER.fullmatch(name):
                where = f"{path}.corsPolicy.{group}[{number}]"
                yield FieldError(where, f'"{name[:80]}" is not a header\'s name')
    if policy.unmatched_preflights not in PREFLIGHTS:
        where = f"{path}.corsPolicy.unmatchedPreflights"
        yield from none_of(policy.unmatched_preflights, PREFLIGHTS[1:], where)
    if policy.max_age:
        yield from wrong_duration(policy.max_age, f"{path}.corsPolicy.maxAge", positive=True, whole=True)


def _mirrors(route: HTTPRoute, path: str) -> Errors:
    if route.mirror is not None:
        yield from _destination(route.mirror, f"{path}.mirror")
        if route.mirrors:
            yield FieldError(f"{path}.mirrors", "cannot be used with mirror")
    if route.mirror_percent is not None and not 0 <= route.mirror_percent <= 100:
        yield FieldError(f"{path}.mirrorPercent", f"{route.mirror_percent} is not in 0-100")
    yield from _percent(route.mirror_percentage, f"{path}.mirrorPercentage")
    for number, mirror in enumerate(route.mirrors):
        yield from _destination(mirror.destination, f"{path}.mirrors[{number}].destination")
        yield from _percent(mirror.percentage, f"{path}.mirrors[{number}].percentage")


def _percent(percent: Percent | None, path: str, *, least: float = 0) -> Errors:
    if percent is None:
        return
    if not 0 <= percent.value <= 100:
        yield FieldError(f"{path}.value", f"{percent.value:g} is not in 0-100")
    elif 0 < percent.value < least:
        yield FieldError(f"{path}.value", f"{percent.value:g} is below {least}, the least share besides 0")


def _headers(headers: Headers | None, path: str) -> Errors:
    if headers is None:
        return
    for side, operations in (("request", headers.request), ("response", headers.response)):
        if operations is None:
            continue
        where = f"{path}.{side}"
        if side == "request" and len(names := _authorities(operations)) > 1:
            yield FieldError(f"{where}.{names[1]}", f"sets the authority, as {names[0]} does; set it once")
        yield from _header_values(operations.set, f"{where}.set", authority=side == "request")
        yield from _header_values(operations.add, f"{where}.add", authority=side == "request")
        for number, name in enumerate(operations.remove):
            if not HEADER.fullmatch(name) or name.lower() == "host":
                yield FieldError(f"{where}.remove[{number}]", f'"{name[:80]}" is not a header that can be removed')


def _header_values(values: Mapping[str, str], path: str, *, authority: bool) -> Errors:
    """The authority of a request may be set, as ":authority" or "host"; other pseudo-headers of HTTP/2 may not."""
    for name, value in values.items():
        if name.lower() in (":authority", "host"):
            if not authority:
                yield FieldError(f"{path}[{name}]", "cannot be set in a response")
        elif not HEADER.fullmatch(name):
            yield FieldError(f"{path}[{name[:80]}]", "is not a header's name")
        if any(sign in value for sign in "\r\n\0"):
            yield FieldError(f"{path}[{name[:80]}]", "contains a line break or a NUL character")
        if not FORMAT.fullmatch(value):
            message = (
                f'"{value[:80]}" has a percent sign that begins no command of Envoy (%COMMAND%); write %% for a sign'
            )
            yield FieldError(f"{path}[{name[:80]}]", message)


def _authorities(operations: HeaderOperations | None) -> list[str]:
    """Where the authority of a request is set."""
    if operations is None:
        return []
    return [
        f"{group}[{name}]"
        for group, values in (("set", operations.set), ("add", operations.add))
        for name in values
        if name.lower() in AUTHORITY
    ]
