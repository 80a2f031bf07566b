"""What is refused in an AuthorizationPolicy: what Istio's webhook refuses, and what cannot be enforced here.

A condition that nobody enforces would let requests through that it forbids, so none is ignored silently. Policies that
are not carried out as a whole are stored (`mesh.resources.analysis.ignored`).
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence

from msgspec import structs

from mesh.resources.istio.authorization_policy import AuthorizationPolicy, Operation, Rule, Source
from mesh.resources.values.names import wrong_labels
from mesh.resources.values.problems import FieldError, meant, not_supported, required

Errors = Iterator[FieldError]
ACTIONS = ("ALLOW", "DENY", "AUDIT", "CUSTOM")
KEYS = (
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
    "destination.port",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
)
# `request.auth.claims[realm_access][roles]` is a claim within another.
CLAIM_KEY = re.compile(r"request\.auth\.claims(\[[^\[\]]+\])+")
CLAIM = re.compile(r"\[([^\[\]]+)\]")
HEADER_KEY = re.compile(r"request\.headers\[([-!#$%&'*+.^_`|~0-9A-Za-z:]+)\]")


def check_authorization_policy(policy: AuthorizationPolicy) -> Errors:
    """Everything wrong with an AuthorizationPolicy by itself."""
    spec = policy.spec
    if spec.action not in ACTIONS:
        yield not_supported("spec.action", f'"{spec.action[:80]}" is not an action{meant(spec.action, ACTIONS)}')
    if spec.selector is not None:
        for key, why in wrong_labels(spec.selector.match_labels):
            yield FieldError(f"spec.selector.matchLabels[{key}]", why)
    if spec.action == "DENY" and not spec.rules:
        yield required("spec.rules", "is empty: a DENY without rules never denies; use [{}] to deny everything")
    if spec.action == "CUSTOM" and not (spec.provider or {}).get("name"):
        yield required("spec.provider.name", "is missing; CUSTOM names who decides")
    for number, rule in enumerate(spec.rules):
        yield from _rule(rule, f"spec.rules[{number}]")


def _rule(rule: Rule, path: str) -> Errors:
    for number, origin in enumerate(rule.from_):
        source, where = origin.source, f"{path}.from[{number}].source"
        yield from _lists(source, where)
        yield from _accounts(source, where)
        for name, values in (
            ("ipBlocks", source.ip_blocks),
            ("notIpBlocks", source.not_ip_blocks),
            ("remoteIpBlocks", source.remote_ip_blocks),
            ("notRemoteIpBlocks", source.not_remote_ip_blocks),
        ):
            yield from _blocks(values, f"{where}.{name}")
    for number, to in enumerate(rule.to):
        where = f"{path}.to[{number}].operation"
        yield from _lists(to.operation, where)
        for name, values in (("ports", to.operation.ports), ("notPorts", to.operation.not_ports)):
            yield from _ports(values, f"{where}.{name}")
        for name, values in (("paths", to.operation.paths), ("notPaths", to.operation.not_paths)):
            for place, value in enumerate(values):
                if "{" in value:
                    yield FieldError(f"{where}.{name}[{place}]", f'"{value[:80]}": templates are not supported here')
    for number, when in enumerate(rule.when):
        where = f"{path}.when[{number}]"
        if not HEADER_KEY.fullmatch(when.key) and not CLAIM_KEY.fullmatch(when.key) and when.key not in KEYS:
            keys = ", ".join(("request.headers[NAME]", "request.auth.claims[NAME]", *KEYS))
            yield FieldError(f"{where}.key", f'"{when.key[:80]}" is not supported here (valid: {keys})')
        if not when.values and not when.not_values:
            yield FieldError(where, "needs values or notValues")
        for name, values in (("values", when.values), ("notValues", when.not_values)):
            yield from _no_empty_text(values, f"{where}.{name}")
            if when.key in ("source.ip", "remote.ip"):
                yield from _blocks(values, f"{where}.{name}")
            elif when.key == "destination.port":
                yield from _ports(values, f"{where}.{name}")


def _lists(part: Source | Operation, path: str) -> Errors:
    """Every condition is a list of texts; at least one must be there, and none may be empty."""
    if part == type(part)():
        yield required(path, "is empty; it would say nothing")
    for field in structs.fields(part):
        yield from _no_empty_text(getattr(part, field.name), f"{path}.{field.encode_name}")


def _no_empty_text(values: Sequence[str], path: str) -> Errors:
    yield from (required(f"{path}[{number}]", "is empty") for number, value in enumerate(values) if not value)


def _accounts(source: Source, path: str) -> Errors:
    if source.service_accounts and (source.namespaces or source.principals):
        yield FieldError(f"{path}.serviceAccounts", "cannot be used with namespaces or principals")
    for name, values in (
        ("serviceAccounts", source.service_accounts),
        ("notServiceAccounts", source.not_service_accounts),
    ):
        for number, value in enumerate(values):
            if "*" in value or value.count("/") > 1:
                message = f'"{value[:80]}" is not a ServiceAccount ("name" or "namespace/name")'
                yield FieldError(f"{path}.{name}[{number}]", message)


def _blocks(values: Sequence[str], path: str) -> Errors:
    for number, value in enumerate(values):
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            yield FieldError(
                f"{path}[{number}]", f'"{value[:80]}" is not an address or network (for example, "10.0.0.0/8")'
            )


def _ports(values: Sequence[str], path: str) -> Errors:
    for number, value in enumerate(values):
        if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
            yield FieldError(f"{path}[{number}]", f'"{value[:80]}" is not a port')
