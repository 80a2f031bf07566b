"""Who may send bytes where no request is seen, decided by who calls alone (istio.io, "Authorization for TCP traffic").
Pure.
"""

import ipaddress
from dataclasses import dataclass, replace
from typing import Self

from mesh.resources.values.identity import principal, trust_domain
from mesh.routing.model.security import Access, AccessRule, Condition
from mesh.routing.security.selection import fits
from mesh.routing.world import MeshPod

OF_CONNECTIONS = frozenset(("principal", "trust domain", "namespace", "ip", "remote ip"))


@dataclass(frozen=True, slots=True)
class Caller:
    """A pod as policies know it."""

    principal: str
    namespace: str
    ip: str

    @classmethod
    def of(cls, pod: MeshPod) -> Self:
        return cls(principal(pod.namespace, pod.service_account), pod.namespace, pod.ip)


def connection_access(access: Access) -> Access:
    """What of it can be asked where nobody sees a request.

    An ALLOW rule that asks for something of HTTP never holds. From a DENY rule what is of HTTP is left out, so that it
    denies more rather than less.
    """
    allow = access.allow
    if allow is not None:
        allow = tuple(rule for rule in map(_without_http_alternatives, allow) if rule is not None)
    return replace(access, allow=allow, deny=tuple(map(_without_http_conditions, access.deny)))


def may_connect(access: Access, caller: Caller) -> bool:
    """Whether a caller may send bytes to a destination."""
    applicable = connection_access(access)
    if any(_holds(rule, caller) for rule in applicable.deny):
        return False
    return applicable.allow is None or any(_holds(rule, caller) for rule in applicable.allow)


def _holds(rule: AccessRule, caller: Caller) -> bool:
    alternatives = (rule.sources, rule.operations)
    return all(
        not groups or any(all(_fits(condition, caller) for condition in group) for group in groups)
        for groups in alternatives
    ) and all(_fits(condition, caller) for condition in rule.when)


def _fits(condition: Condition, caller: Caller) -> bool:
    if condition.what == "principal":
        holds = any(fits(value, caller.principal) for value in condition.values)
    elif condition.what == "trust domain":
        holds = any(fits(value, trust_domain(caller.principal)) for value in condition.values)
    elif condition.what == "namespace":
        holds = any(fits(value, caller.namespace) for value in condition.values)
    else:
        address = ipaddress.ip_address(caller.ip)
        holds = any(address in ipaddress.ip_network(value, strict=False) for value in condition.values)
    return holds is not condition.negate


def _is_of_http(condition: Condition) -> bool:
    return condition.what not in OF_CONNECTIONS


def _without_http_alternatives(rule: AccessRule) -> AccessRule | None:
    """The rule with the alternatives that bytes can fit; None when there is none."""
    if any(map(_is_of_http, rule.when)):
        return None
    sources = tuple(group for group in rule.sources if not any(map(_is_of_http, group)))
    operations = tuple(group for group in rule.operations if not any(map(_is_of_http, group)))
    if (rule.sources and not sources) or (rule.operations and not operations):
        return None
    return AccessRule(sources, operations, rule.when)


def _without_http_conditions(rule: AccessRule) -> AccessRule:
    def left(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(condition for condition in conditions if not _is_of_http(condition))

    return AccessRule(tuple(map(left, rule.sources)), tuple(map(left, rule.operations)), left(rule.when))
