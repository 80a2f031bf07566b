"""Route tables to Envoy's RouteConfiguration messages."""

import re
from collections.abc import Iterable

from envoy.config.core.v3 import base_pb2 as core
from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.config.route.v3 import route_pb2
from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.type.matcher.v3 import regex_pb2, string_pb2
from envoy.type.v3 import percent_pb2
from google.protobuf import any_pb2, duration_pb2

from mesh.envoy.encode.access import FILTER as ACCESS_FILTER
from mesh.envoy.encode.access import claim_matcher, encode_access
from mesh.envoy.encode.authentication import encode_asked
from mesh.envoy.encode.branches import (
    FILTER,
    Chooser,
    Destinations,
    Rows,
    by_destination,
    entry_script,
    field,
    number_of,
    serialized,
)
from mesh.resources.meshmall.branch import HEADER
from mesh.routing.security.authentication import ROWS
from mesh.routing.table import (
    Cors,
    Entries,
    Fault,
    FieldMatch,
    Forward,
    HashOn,
    HeaderChanges,
    How,
    Match,
    Pattern,
    Redirect,
    Respond,
    Retry,
    Route,
    RouteTable,
    VirtualHost,
    Weighted,
)
from mesh.routing.virtual_service.routes import DEFAULT_RETRY

SOURCE_KEY = "mesh.source"
FAULT_FILTER = "envoy.filters.http.fault"
CORS_FILTER = "envoy.filters.http.cors"
COMMAND = re.compile(r"%[A-Z][A-Z0-9_]*(\([^)]*\))?(:[0-9]+)?%")
REDIRECT_CODES = {301: 0, 302: 1, 303: 2, 307: 3, 308: 4}


def duration(seconds: float) -> duration_pb2.Duration:
    """Seconds as a protobuf duration."""
    whole = int(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def source_token(key: str, value: str) -> str:
    """How one label of the calling pod stands in the listener's filter state."""
    return f"|{key}={value}|"


class TableEncoder:
    """Encodes route tables; keeps what it encoded, so that a change costs what changed. Routes are named, so that an
    access log can say which one took a request."""

    def __init__(self) -> None:
        chooser = Chooser()
        self._rows = Rows(lambda route: encode_route(route, inherited=DEFAULT_RETRY), chooser)
        self._destinations = Destinations(chooser)
        self._held: dict[str, tuple[VirtualHost, bytes]] = {}
        self._script_of: tuple[Entries, any_pb2.Any] = (Entries(), any_pb2.Any())
        self._hosts = number_of(route_pb2.RouteConfiguration, "virtual_hosts")
        self._plugins = number_of(route_pb2.RouteConfiguration, "cluster_specifier_plugins")
        self._matcher = number_of(rc.VirtualHost, "matcher")

    def encode(self, table: RouteTable) -> any_pb2.Any:
        """The whole table, packed."""
        message = route_pb2.RouteConfiguration(
            name=table.name,
            max_direct_response_body_size_bytes={"value": 1 << 20},
        )
        message.validate_clusters.value = False
        if table.entries is not None and table.entries.entries:
            message.typed_per_filter_config[FILTER].CopyFrom(self._script(table.entries))
        elif table.entries is not None:
            message.request_headers_to_remove.append(HEADER)
        whole = b"".join((serialized(message), *(self._host(table, host) for host in table.hosts)))
        return any_pb2.Any(type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}", value=whole)

    def _script(self, entries: Entries) -> any_pb2.Any:
        """All tables of a snapshot have the same entries: what they run is made once."""
        held, script = self._script_of
        if held is not entries and held != entries:
            script = entry_script(entries)
        self._script_of = (entries, script)
        return script

    def _host(self, table: RouteTable, host: VirtualHost) -> bytes:
        """The host as a field of its table, with the plugins that its rows name."""
        place = f"{table.name} {host.name}"
        known = self._held.get(place)
        if known is not None and (known[0] is host or known[0] == host):
            return known[1]
        message = rc.VirtualHost(name=host.name, domains=host.domains)
        plugins: dict[str, bytes] = {}
        if not host.diverts:
            message.routes.extend(encode_route(route) for route in host.routes)
            encoded = serialized(message)
        else:
            # Every branch may have rows of its own: what most of them say is said once.
            message.retry_policy.CopyFrom(_retry(DEFAULT_RETRY))
            easy = all(_has_one_destination(route) for route in host.routes)
            chosen = [each for each in host.diverts if easy and by_destination(each)]
            others = host.diverts if not chosen else [each for each in host.diverts if not by_destination(each)]
            swapped = {former for each in chosen for former, _ in each.swap}
            plugins = {
                f"{host.name} {name}": self._destinations.plugin(f"{host.name} {name}", name, chosen)
                for name in sorted(swapped)
            }

            def own(route: Route) -> rc.Route:
                row = encode_route(route, inherited=DEFAULT_RETRY)
                if f"{host.name} {row.route.cluster}" in plugins:
                    row.route.cluster_specifier_plugin = f"{host.name} {row.route.cluster}"
                return row

            if others:
                matcher = self._rows.matcher(place, host.routes, others, own)
                encoded = serialized(message) + field(self._matcher, matcher)
            else:
                message.routes.extend(own(route) for route in host.routes)
                encoded = serialized(message)
        whole = b"".join((*(field(self._plugins, each) for each in plugins.values()), field(self._hosts, encoded)))
        self._held[place] = (host, whole)
        return whole


def _has_one_destination(route: Route) -> bool:
    action = route.action
    return not isinstance(action, Forward) or (len(action.to) == 1 and action.to[0].headers == HeaderChanges())


def encode_route(route: Route, *, inherited: Retry | None = None) -> rc.Route:
    """One row. `inherited` is the retry policy of its host, which the row leaves out when it has the same."""
    message = rc.Route(name=route.name, match=_match(route.match), stat_prefix=route.stat_prefix)
    match route.action:
        case Forward():
            message.route.CopyFrom(_forward(route.action, inherited))
        case Redirect():
            message.redirect.CopyFrom(_redirect(route.action))
        case Respond():
            message.direct_response.status = route.action.status
            message.direct_response.body.inline_string = route.action.body
    _change_headers(message, route.headers)
    if route.fault is not None:
        message.typed_per_filter_config[FAULT_FILTER].Pack(_fault(route.fault))
    if route.cors is not None:
        message.typed_per_filter_config[CORS_FILTER].Pack(_cors(route.cors))
    if route.authentication:
        message.typed_per_filter_config[ROWS].Pack(encode_asked(route.authentication))
    if route.access:
        message.typed_per_filter_config[ACCESS_FILTER].Pack(encode_access(route.access, SOURCE_KEY))
    return message


def _match(match: Match) -> rc.RouteMatch:
    message = rc.RouteMatch()
    path = match.path
    if path is None or path.how is How.PRESENT:
        message.prefix = "/"
    elif path.how is How.EXACT:
        message.path = path.value
    elif path.how is How.PREFIX:
        message.prefix = path.value
    elif path.how is How.PATH_PREFIX:
        message.path_separated_prefix = path.value
    else:
        message.safe_regex.CopyFrom(regex_pb2.RegexMatcher(regex=path.value))
    if path is not None and path.ignore_case:
        message.case_sensitive.value = False
    message.headers.extend(_header(each) for each in match.headers)
    for each in match.query:
        parameter = message.query_parameters.add(name=each.name)
        if each.pattern.how is How.PRESENT:
            parameter.present_match = True
        else:
            parameter.string_match.CopyFrom(string_matcher(each.pattern))
    tokens = [source_token(key, value) for key, value in match.source_labels]
    if match.source_namespace:
        tokens.append(source_token("namespace", match.source_namespace))
    for token in tokens:
        state = message.filter_state.add(key=SOURCE_KEY)
        state.string_match.contains = token
    for claim in match.claims:
        # That it is there is asked as a regex, which a list's texts can be held to as well.
        there = Pattern(How.REGEX, "(?s).*") if claim.pattern.how is How.PRESENT else claim.pattern
        matcher = claim_matcher("gateway", claim.path, string_matcher(there), invert=claim.invert)
        message.dynamic_metadata.append(matcher)
    return message


def string_matcher(pattern: Pattern) -> string_pb2.StringMatcher:
    """A comparison of a whole string; RE2 for regexes."""
    if pattern.how is How.REGEX:
        return string_pb2.StringMatcher(safe_regex=regex_pb2.RegexMatcher(regex=pattern.value))
    if pattern.how is How.PREFIX:
        return string_pb2.StringMatcher(prefix=pattern.value, ignore_case=pattern.ignore_case)
    return string_pb2.StringMatcher(exact=pattern.value, ignore_case=pattern.ignore_case)


def _header(match: FieldMatch) -> rc.HeaderMatcher:
    message = rc.HeaderMatcher(name=match.name, invert_match=match.invert)
    if match.pattern.how is How.PRESENT:
        message.present_match = True
    else:
        message.string_match.CopyFrom(string_matcher(match.pattern))
        # A header that is not there does not hold the value: `withoutHeaders` takes such a request.
        message.treat_missing_header_as_empty = match.invert and match.pattern.value != ""
    return message


def _forward(action: Forward, inherited: Retry | None) -> rc.RouteAction:
    message = rc.RouteAction()
    if len(action.to) == 1 and action.to[0].headers == HeaderChanges():
        message.cluster = action.to[0].cluster
    else:
        message.weighted_clusters.clusters.extend(_weighted(each) for each in action.to)
    message.timeout.CopyFrom(duration(action.timeout or 0.0))
    if action.retry is not None and action.retry != inherited:
        message.retry_policy.CopyFrom(_retry(action.retry))
    elif action.retry is None and inherited is not None:
        message.retry_policy.num_retries.value = 0
    rewrite = action.rewrite
    if rewrite is not None:
        if rewrite.authority:
            message.host_rewrite_literal = rewrite.authority
        if rewrite.prefix:
            message.prefix_rewrite = rewrite.prefix
        if rewrite.regex is not None:
            message.regex_rewrite.pattern.regex = rewrite.regex
            message.regex_rewrite.substitution = rewrite.substitution or ""
    for cluster, percent in action.mirrors:
        mirror = message.request_mirror_policies.add(cluster=cluster)
        mirror.runtime_fraction.default_value.CopyFrom(_fraction(percent))
        mirror.trace_sampled.value = False
    message.hash_policy.extend(_hash_policy(each) for each in action.hash_on)
    return message


def _hash_policy(hash_on: HashOn) -> rc.RouteAction.HashPolicy:
    message = rc.RouteAction.HashPolicy()
    match hash_on.kind:
        case "header":
            message.header.header_name = hash_on.name
        case "cookie":
            message.cookie.name = hash_on.name
            message.cookie.path = hash_on.path
            if hash_on.ttl is not None:
                message.cookie.ttl.CopyFrom(duration(hash_on.ttl))
            for name, value in hash_on.attributes:
                message.cookie.attributes.add(name=name, value=value)
        case "query":
            message.query_parameter.name = hash_on.name
        case "source":
            message.connection_properties.source_ip = True
    return message


def _weighted(each: Weighted) -> rc.WeightedCluster.ClusterWeight:
    message = rc.WeightedCluster.ClusterWeight(name=each.cluster)
    message.weight.value = each.weight
    _change_headers(message, each.headers)
    if each.headers.authority:
        message.host_rewrite_literal = each.headers.authority
    return message


def _retry(retry: Retry) -> rc.RetryPolicy:
    message = rc.RetryPolicy(
        retry_on=",".join(retry.retry_on),
        retriable_status_codes=retry.status_codes,
        host_selection_retry_max_attempts=5,
    )
    message.num_retries.value = retry.attempts
    if retry.per_try_timeout is not None:
        message.per_try_timeout.CopyFrom(duration(retry.per_try_timeout))
    if retry.backoff is not None:
        message.retry_back_off.base_interval.CopyFrom(duration(retry.backoff))
    if retry.avoid_previous_hosts:
        predicate = message.retry_host_predicate.add(name="envoy.retry_host_predicates.previous_hosts")
        predicate.typed_config.Pack(previous_hosts_pb2.PreviousHostsPredicate())
    return message


def _redirect(action: Redirect) -> rc.RedirectAction:
    message = rc.RedirectAction(response_code=REDIRECT_CODES.get(action.status, 0))
    if action.scheme:
        message.scheme_redirect = action.scheme
    if action.authority:
        message.host_redirect = action.authority
    if action.port:
        message.port_redirect = action.port
    if action.path:
        message.path_redirect = action.path
    elif action.prefix:
        message.prefix_rewrite = action.prefix
    elif action.regex is not None:
        message.regex_rewrite.pattern.regex = action.regex
        message.regex_rewrite.substitution = action.substitution or ""
    return message


def _change_headers(message: rc.Route | rc.WeightedCluster.ClusterWeight, changes: HeaderChanges) -> None:
    request, response = changes.request, changes.response
    message.request_headers_to_add.extend(_options(request.set, request.add))
    message.request_headers_to_remove.extend(request.remove)
    message.response_headers_to_add.extend(_options(response.set, response.add))
    message.response_headers_to_remove.extend(response.remove)


def _options(set_: Iterable[tuple[str, str]], add: Iterable[tuple[str, str]]) -> Iterable[core.HeaderValueOption]:
    overwrite = core.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    append = core.HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
    for pairs, action in ((set_, overwrite), (add, append)):
        for key, value in pairs:
            option = core.HeaderValueOption(append_action=action)
            option.header.key = key
            # Envoy's commands (%START_TIME(%s)%) are followed, as in Istio; any other percent sign is text.
            option.header.value = value if COMMAND.search(value) else value.replace("%", "%%")
            yield option


def _fraction(percent: float) -> percent_pb2.FractionalPercent:
    return percent_pb2.FractionalPercent(
        numerator=round(percent * 10_000), denominator=percent_pb2.FractionalPercent.MILLION
    )


def _fault(fault: Fault) -> fault_pb2.HTTPFault:
    message = fault_pb2.HTTPFault()
    if fault.delay is not None:
        message.delay.fixed_delay.CopyFrom(duration(fault.delay))
        message.delay.percentage.CopyFrom(_fraction(fault.delay_percent))
    if fault.abort_grpc is not None:
        message.abort.grpc_status = fault.abort_grpc
        message.abort.percentage.CopyFrom(_fraction(fault.abort_percent))
    elif fault.abort_status is not None:
        message.abort.http_status = fault.abort_status
        message.abort.percentage.CopyFrom(_fraction(fault.abort_percent))
    return message


def _cors(cors: Cors) -> cors_pb2.CorsPolicy:
    message = cors_pb2.CorsPolicy(
        allow_origin_string_match=[string_matcher(origin) for origin in cors.allow_origins],
        allow_methods=",".join(cors.allow_methods),
        allow_headers=",".join(cors.allow_headers),
        expose_headers=",".join(cors.expose_headers),
    )
    message.forward_not_matching_preflights.value = cors.forward_unmatched
    if cors.max_age is not None:
        message.max_age = str(int(cors.max_age))
    if cors.allow_credentials is not None:
        message.allow_credentials.value = cors.allow_credentials
    return message
