"""Who may send a request where, for Envoy's RBAC filters (envoy.config.rbac.v3).

Everything is a principal, also what a request is like: Envoy has the operators (and, or, not) for principals, so that
all layers of a row become one expression.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import replace

from envoy.config.core.v3 import address_pb2
from envoy.config.rbac.v3 import rbac_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2 as http_rbac_pb2
from envoy.extensions.filters.network.rbac.v3 import rbac_pb2 as network_rbac_pb2
from envoy.type.matcher.v3 import metadata_pb2, regex_pb2, string_pb2

from mesh.envoy.encode.authentication import PAYLOADS
from mesh.envoy.encode.caller import CALLER_KEY
from mesh.routing.model.security import Access, AccessRule, Condition

FILTER = "envoy.filters.http.rbac"
Principal = rbac_pb2.Principal


def encode_access(layers: Sequence[Access]) -> http_rbac_pb2.RBACPerRoute:
    """What must hold for a row: every layer of it."""
    message = http_rbac_pb2.RBACPerRoute()
    message.rbac.rules.CopyFrom(_rules(layers))
    return message


def network_access(layers: Sequence[Access]) -> network_rbac_pb2.RBAC:
    """What must hold for bytes to pass: layers that ask for nothing of HTTP.

    Envoy asks when the client has sent something: what a server says first is heard by everybody.
    """
    return network_rbac_pb2.RBAC(stat_prefix="access", rules=_rules([_by_client(layer) for layer in layers]))


def _by_client(layer: Access) -> Access:
    """The edge is the one that connects directly; bytes have no X-Forwarded-For that could say something else."""

    def of_client(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(
            replace(condition, what="remote ip") if condition.what == "ip" else condition for condition in conditions
        )

    def changed(rules: tuple[AccessRule, ...]) -> tuple[AccessRule, ...]:
        return tuple(
            replace(
                rule,
                sources=tuple(map(of_client, rule.sources)),
                operations=tuple(map(of_client, rule.operations)),
                when=of_client(rule.when),
            )
            for rule in rules
        )

    return replace(layer, allow=changed(layer.allow) if layer.allow is not None else None, deny=changed(layer.deny))


def _rules(layers: Sequence[Access]) -> rbac_pb2.RBAC:
    rules = rbac_pb2.RBAC(action=rbac_pb2.RBAC.ALLOW)
    policy = rules.policies["allowed"]
    policy.permissions.add(any=True)
    policy.principals.append(_all(_conditions(layers)))
    return rules


def _conditions(layers: Sequence[Access]) -> list[rbac_pb2.Principal]:
    """All of them must hold."""
    conditions = []
    for layer in layers:
        if layer.deny:
            conditions.append(_not(_any([_rule(rule, layer) for rule in layer.deny])))
        if layer.allow is not None:
            allowed = [_rule(rule, layer) for rule in layer.allow]
            conditions.append(_any(allowed) if allowed else _not(Principal(any=True)))
    return conditions


def _rule(rule: AccessRule, layer: Access) -> rbac_pb2.Principal:
    parts = [
        _any([_all([_condition(part, layer) for part in group]) for group in alternatives])
        for alternatives in (rule.sources, rule.operations)
        if alternatives
    ]
    parts += [_condition(condition, layer) for condition in rule.when]
    return _all(parts)


def _condition(condition: Condition, layer: Access) -> rbac_pb2.Principal:
    payload = "gateway" if layer.at_gateway else "row"
    match condition.what:
        case "request principal":
            parts = [_request_principal(payload, value) for value in condition.values]
        case "claim":
            parts = [_claim(payload, condition.claim, value) for value in condition.values]
        case "principal" | "trust domain" | "namespace" if layer.at_gateway:
            parts = [_not(Principal(any=True))]
        case "ip" if layer.at_gateway:
            # A gateway trusts no proxy before it, so that both are the client; and where the edge passes connections
            # on, it is the one that connects directly.
            parts = [_value("remote ip", value) for value in condition.values]
        case _:
            parts = [_value(condition.what, value) for value in condition.values]
    joined = _any(parts)
    return _not(joined) if condition.negate else joined


def _request_principal(payload: str, value: str) -> rbac_pb2.Principal:
    """`issuer/subject` is one text in Istio and two claims in Envoy: every slash may be the one that divides them."""
    if value == "*":
        return _all([_claim(payload, ("iss",), "*"), _claim(payload, ("sub",), "*")])
    plain = value.strip("*")
    ahead, behind = value.startswith("*"), value.endswith("*") and not value.startswith("*")
    alternatives = [
        _all(
            [
                _claim(payload, ("iss",), f"*{plain[:at]}" if ahead else plain[:at]),
                _claim(payload, ("sub",), f"{plain[at + 1 :]}*" if behind else plain[at + 1 :]),
            ]
        )
        for at, letter in enumerate(plain)
        if letter == "/"
    ]
    if behind:
        alternatives.append(_all([_claim(payload, ("iss",), f"{plain}*"), _claim(payload, ("sub",), "*")]))
    if ahead:
        alternatives.append(_all([_claim(payload, ("iss",), "*"), _claim(payload, ("sub",), f"*{plain}")]))
    return _any(alternatives) if alternatives else _not(Principal(any=True))


def _claim(payload: str, path: Sequence[str], value: str) -> rbac_pb2.Principal:
    """A text of the token, or one of a list of texts."""
    message = Principal()
    message.sourced_metadata.metadata_matcher.CopyFrom(claim_matcher(payload, path, _words(value)))
    return message


def claim_matcher(
    payload: str, path: Sequence[str], matcher: string_pb2.StringMatcher, *, invert: bool = False
) -> metadata_pb2.MetadataMatcher:
    """A claim as Envoy's JWT filter has left it in the metadata, which may be a text or a list of texts."""
    message = metadata_pb2.MetadataMatcher(filter=PAYLOADS, invert=invert)
    for key in (payload, *path):
        message.path.add(key=key)
    message.value.or_match.value_matchers.add(string_match=matcher)
    message.value.or_match.value_matchers.add().list_match.one_of.string_match.CopyFrom(matcher)
    return message


def _words(value: str) -> string_pb2.StringMatcher:
    if value in ("*", "**"):
        return string_pb2.StringMatcher(safe_regex=regex_pb2.RegexMatcher(regex="(?s).+"))
    return _string(value)


def _value(what: str, value: str) -> rbac_pb2.Principal:
    message = Principal()
    match what:
        case "principal" | "namespace":
            message.filter_state.key = CALLER_KEY
            token = "@principal" if what == "principal" else "namespace"
            message.filter_state.string_match.safe_regex.regex = rf".*\|{token}={_as_regex(value)}\|.*"
        case "trust domain":
            # The principal's part before the first slash: no domain has one.
            if "/" in value:
                return _not(Principal(any=True))
            message.filter_state.key = CALLER_KEY
            message.filter_state.string_match.safe_regex.regex = rf".*\|@principal={_as_regex(value, '|/')}/.*"
        case "ip" | "remote ip":
            place = message.direct_remote_ip if what == "ip" else message.remote_ip
            place.CopyFrom(_block(value))
        case "path":
            message.url_path.path.CopyFrom(_string(value))
        case _:
            name = what.removeprefix("header ")
            message.header.name = name
            if value == "*":
                message.header.present_match = True
            else:
                # Hosts have no case.
                message.header.string_match.CopyFrom(_string(value, ignore_case=name == ":authority"))
    return message


def _as_regex(value: str, ends: str = "|") -> str:
    """A value in which `*` stands for anything but the characters of `ends`."""
    if value == "*":
        return f"[^{ends}]+"
    quoted, rest = re.escape(value.strip("*")), f"[^{ends}]*"
    return f"{rest if value.startswith('*') else ''}{quoted}{rest if value.endswith('*') else ''}"


def _string(value: str, *, ignore_case: bool = False) -> string_pb2.StringMatcher:
    if value == "*":
        return string_pb2.StringMatcher(prefix="/")
    if value.endswith("*"):
        return string_pb2.StringMatcher(prefix=value[:-1], ignore_case=ignore_case)
    if value.startswith("*"):
        return string_pb2.StringMatcher(suffix=value[1:], ignore_case=ignore_case)
    return string_pb2.StringMatcher(exact=value, ignore_case=ignore_case)


def _block(value: str) -> address_pb2.CidrRange:
    network = ipaddress.ip_network(value, strict=False)
    message = address_pb2.CidrRange(address_prefix=str(network.network_address))
    message.prefix_len.value = network.prefixlen
    return message


def _any(parts: Sequence[rbac_pb2.Principal]) -> rbac_pb2.Principal:
    if len(parts) == 1:
        return parts[0]
    message = Principal()
    message.or_ids.ids.extend(parts)
    return message


def _all(parts: Sequence[rbac_pb2.Principal]) -> rbac_pb2.Principal:
    if not parts:
        return Principal(any=True)
    if len(parts) == 1:
        return parts[0]
    message = Principal()
    message.and_ids.ids.extend(parts)
    return message


def _not(part: rbac_pb2.Principal) -> rbac_pb2.Principal:
    message = Principal()
    message.not_id.CopyFrom(part)
    return message
