"""Matches to Envoy's RouteMatch messages: path, headers, query parameters, who calls, and a token's claims."""

from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.type.matcher.v3 import regex_pb2, string_pb2

from mesh.envoy.encode.access import claim_matcher
from mesh.envoy.encode.caller import CALLER_KEY, caller_token
from mesh.envoy.encode.destination import DESTINATION_KEY
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern


def encode_match(match: Match) -> rc.RouteMatch:
    """Envoy asks for every part and needs a path in any case: without one, `/` is a prefix of all."""
    message = rc.RouteMatch()
    _encode_path(message, match.path)
    message.headers.extend(_header(header) for header in match.headers)
    for query in match.query:
        parameter = message.query_parameters.add(name=query.name)
        if query.pattern.kind is MatchKind.PRESENT:
            parameter.present_match = True
        else:
            parameter.string_match.CopyFrom(string_matcher(query.pattern))
    tokens = [caller_token(key, value) for key, value in match.source_labels]
    if match.source_namespace:
        tokens.append(caller_token("namespace", match.source_namespace))
    for token in tokens:
        state = message.filter_state.add(key=CALLER_KEY)
        state.string_match.contains = token
    for claim in match.claims:
        # Envoy's `present_match` does not look into lists, a regex that matches everything does.
        pattern = Pattern(MatchKind.REGEX, "(?s).*") if claim.pattern.kind is MatchKind.PRESENT else claim.pattern
        matcher = claim_matcher("gateway", claim.path, string_matcher(pattern), invert=claim.invert)
        message.dynamic_metadata.append(matcher)
    if match.destination is not None:
        state = message.filter_state.add(key=DESTINATION_KEY)
        state.string_match.CopyFrom(string_matcher(match.destination))
    return message


def _encode_path(message: rc.RouteMatch, path: Pattern | None) -> None:
    if path is None or path.kind is MatchKind.PRESENT:
        message.prefix = "/"
    elif path.kind is MatchKind.EXACT:
        message.path = path.value
    elif path.kind is MatchKind.PREFIX:
        message.prefix = path.value
    elif path.kind is MatchKind.PATH_PREFIX:
        message.path_separated_prefix = path.value
    else:
        message.safe_regex.CopyFrom(regex_pb2.RegexMatcher(regex=path.value))
    if path is not None and path.ignore_case:
        message.case_sensitive.value = False


def _header(match: FieldMatch) -> rc.HeaderMatcher:
    message = rc.HeaderMatcher(name=match.name, invert_match=match.invert)
    if match.pattern.kind is MatchKind.PRESENT:
        message.present_match = True
    else:
        message.string_match.CopyFrom(string_matcher(match.pattern))
        # For `withoutHeaders` a missing header counts as an empty one, as with Istio; Envoy alone would not invert it.
        message.treat_missing_header_as_empty = match.invert
    return message


def string_matcher(pattern: Pattern) -> string_pb2.StringMatcher:
    """A comparison of a whole string; RE2 for regexes."""
    if pattern.kind is MatchKind.REGEX:
        return string_pb2.StringMatcher(safe_regex=regex_pb2.RegexMatcher(regex=pattern.value))
    if pattern.kind is MatchKind.PREFIX:
        return string_pb2.StringMatcher(prefix=pattern.value, ignore_case=pattern.ignore_case)
    return string_pb2.StringMatcher(exact=pattern.value, ignore_case=pattern.ignore_case)
