"""AuthorizationPolicies to what must hold for a request to reach a destination (Istio's meaning). Pure.

A pod has no proxy in front of it: what Istio checks at the receiving side is checked on the row that sends the request
there; the listener knows who calls. DENY comes first. Without any ALLOW policy everything else passes, with one only
what an ALLOW policy names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mesh.resources.checks.authorization_policy import CLAIM, CLAIM_KEY, HEADER_KEY
from mesh.resources.istio.authorization_policy import AuthorizationPolicy, Operation, Rule, Source
from mesh.resources.istio.ingress_gateway import LABELS, ROOT_NAMESPACE
from mesh.resources.values.identity import principal
from mesh.resources.values.meta import ref_of
from mesh.routing.model.security import Access, AccessRule, Condition
from mesh.routing.security.selection import is_for


class Policies:
    """The policies of a world, by the namespace they hold in."""

    def __init__(self, policies: Iterable[AuthorizationPolicy]) -> None:
        self._policies = tuple(policies)

    def __bool__(self) -> bool:
        return bool(self._policies)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that some policy names."""
        rules = [rule for policy in self._policies for rule in policy.spec.rules]
        operations = [to.operation for rule in rules for to in rule.to]
        ports = [port for operation in operations for port in (*operation.ports, *operation.not_ports)]
        conditions = [condition for rule in rules for condition in rule.when if condition.key == "destination.port"]
        ports += [port for condition in conditions for port in (*condition.values, *condition.not_values)]
        return tuple(sorted({int(port) for port in ports if port.isdecimal()}))

    @property
    def ask_for_addresses(self) -> bool:
        """Whether some policy asks for the caller's address."""
        rules = [rule for policy in self._policies for rule in policy.spec.rules]
        sources = [clause.source for rule in rules for clause in rule.from_]
        return any(
            source.ip_blocks or source.not_ip_blocks or source.remote_ip_blocks or source.not_remote_ip_blocks
            for source in sources
        ) or any(condition.key in ("source.ip", "remote.ip") for rule in rules for condition in rule.when)

    def of_gateway(self, selector: Mapping[str, str], ports: Iterable[int]) -> Access | None:
        """What holds for all that comes in by a Gateway with this selector; its pods are in Istio's root namespace."""
        access = self.of(ROOT_NAMESPACE, [{**LABELS, **selector}], ports)
        return replace(access, at_gateway=True) if access is not None else None

    def of(self, namespace: str, pods: Sequence[Mapping[str, str]], ports: Iterable[int]) -> Access | None:
        """What holds for a destination whose pods carry these labels; None where nothing does."""
        policies = [policy for policy in self._policies if is_for(policy, namespace, pods)]
        if not policies:
            return None
        numbers = frozenset(map(str, ports))
        denying = [policy for policy in policies if policy.spec.action == "DENY"]
        allowing = [policy for policy in policies if policy.spec.action == "ALLOW"]
        deny = tuple(rule for policy in denying for rule in _rules(policy, numbers))
        # An ALLOW policy without rules allows nothing, which is not the same as no ALLOW policy.
        allow = tuple(rule for policy in allowing for rule in _rules(policy, numbers)) if allowing else None
        return Access(allow, deny, tuple(ref_of(policy) for policy in policies))


def _rules(policy: AuthorizationPolicy, ports: frozenset[str]) -> Iterator[AccessRule]:
    namespace = policy.metadata.namespace
    for rule in policy.spec.rules:
        operations = [_operation(to.operation, ports) for to in rule.to]
        possible = tuple(operation for operation in operations if operation is not None)
        when = _when(rule, ports)
        if (rule.to and not possible) or when is None:
            # It is for a port that this destination does not have.
            continue
        yield AccessRule(tuple(_source(from_.source, namespace) for from_ in rule.from_), possible, when)


def _source(source: Source, namespace: str) -> tuple[Condition, ...]:
    def accounts(names: Sequence[str]) -> list[str]:
        """`name` is of the policy's namespace, `namespace/name` of another."""
        pairs = [(name if "/" in name else f"{namespace}/{name}").split("/", 1) for name in names]
        return [principal(where, account) for where, account in pairs]

    return tuple(
        Condition(what, tuple(values), negate)
        for what, values, negate in (
            ("principal", source.principals, False),
            ("principal", source.not_principals, True),
            ("principal", accounts(source.service_accounts), False),
            ("principal", accounts(source.not_service_accounts), True),
            ("trust domain", source.trust_domains, False),
            ("trust domain", source.not_trust_domains, True),
            ("request principal", source.request_principals, False),
            ("request principal", source.not_request_principals, True),
            ("namespace", source.namespaces, False),
            ("namespace", source.not_namespaces, True),
            ("ip", source.ip_blocks, False),
            ("ip", source.not_ip_blocks, True),
            ("remote ip", source.remote_ip_blocks, False),
            ("remote ip", source.not_remote_ip_blocks, True),
        )
        if values
    )


def _operation(operation: Operation, ports: frozenset[str]) -> tuple[Condition, ...] | None:
    """None when it asks for another port than the destination's."""
    if operation.ports and not ports & set(operation.ports):
        return None
    if operation.not_ports and ports & set(operation.not_ports):
        return None
    return tuple(
        Condition(what, tuple(values), negate)
        for what, values, negate in (
            ("header :authority", operation.hosts, False),
            ("header :authority", operation.not_hosts, True),
            ("header :method", operation.methods, False),
            ("header :method", operation.not_methods, True),
            ("path", operation.paths, False),
            ("path", operation.not_paths, True),
        )
        if values
    )


def _when(rule: Rule, ports: frozenset[str]) -> tuple[Condition, ...] | None:
    """None when it asks for another port than the destination's."""
    conditions = []
    for condition in rule.when:
        if condition.key == "destination.port":
            if (condition.values and not ports & set(condition.values)) or ports & set(condition.not_values):
                return None
            continue
        what, claim = _attribute(condition.key)
        pairs = ((condition.values, False), (condition.not_values, True))
        conditions += [Condition(what, tuple(values), negate, claim) for values, negate in pairs if values]
    return tuple(conditions)


def _attribute(key: str) -> tuple[str, tuple[str, ...]]:
    """The attribute that a condition is about, and the path of its claim in the token."""
    names = {"source.ip": "ip", "remote.ip": "remote ip", "source.namespace": "namespace"}
    claims = {"request.auth.audiences": "aud", "request.auth.presenter": "azp"}
    if header := HEADER_KEY.fullmatch(key):
        return f"header {header[1].lower()}", ()
    if key in claims:
        return "claim", (claims[key],)
    if CLAIM_KEY.fullmatch(key):
        return "claim", tuple(CLAIM.findall(key))
    return ("request principal" if key == "request.auth.principal" else names.get(key, "principal")), ()
