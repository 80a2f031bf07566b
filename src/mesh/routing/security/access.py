"""AuthorizationPolicies to what must hold for a request to reach a destination (Istio's meaning). Pure.

A pod has no proxy of its own before it: what Istio checks at the receiving side is checked on the row that sends the
request there, with who calls known by the listener. DENY is asked first; without any ALLOW everything else passes,
with one only what an ALLOW policy names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mesh.resources.checks.authorization_policy import CLAIM, CLAIM_KEY, HEADER_KEY
from mesh.resources.istio.authorization_policy import AuthorizationPolicy, Operation, Rule, Source
from mesh.resources.istio.ingress_gateway import LABELS, ROOT_NAMESPACE
from mesh.resources.values.meta import ref_of
from mesh.routing.model.security import Access, AccessRule, Condition


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
        said = [port for operation in operations for port in (*operation.ports, *operation.not_ports)]
        conditions = [condition for rule in rules for condition in rule.when if condition.key == "destination.port"]
        said += [port for condition in conditions for port in (*condition.values, *condition.not_values)]
        return tuple(sorted({int(port) for port in said if port.isdecimal()}))

    def of_gateway(self, selector: Mapping[str, str], ports: Iterable[int]) -> Access | None:
        """What holds for all that comes in by a Gateway with this selector; its pods are in Istio's root namespace."""
        found = self.of(ROOT_NAMESPACE, [{**LABELS, **selector}], ports)
        return replace(found, at_gateway=True) if found is not None else None

    def of(self, namespace: str, pods: Sequence[Mapping[str, str]], ports: Iterable[int]) -> Access | None:
        """What holds for a destination whose pods carry these labels; None where nothing does."""
        found = [each for each in self._policies if _is_for(each, namespace, pods)]
        if not found:
            return None
        numbers = frozenset(map(str, ports))
        deny = [rule for each in found if each.spec.action == "DENY" for rule in _rules(each, numbers)]
        allowing = [each for each in found if each.spec.action == "ALLOW"]
        allow = tuple(rule for each in allowing for rule in _rules(each, numbers)) if allowing else None
        return Access(allow, tuple(deny), tuple(ref_of(each) for each in found))


def _is_for(policy: AuthorizationPolicy, namespace: str, pods: Sequence[Mapping[str, str]]) -> bool:
    if policy.metadata.namespace not in (namespace, ROOT_NAMESPACE):
        return False
    wanted = policy.spec.selector.match_labels if policy.spec.selector is not None else {}
    return not wanted or any(wanted.items() <= labels.items() for labels in pods)


def _rules(policy: AuthorizationPolicy, ports: frozenset[str]) -> Iterator[AccessRule]:
    namespace = policy.metadata.namespace
    for rule in policy.spec.rules:
        operations = [_operation(each.operation, ports) for each in rule.to]
        possible = tuple(each for each in operations if each is not None)
        when = _when(rule, ports)
        if (rule.to and not possible) or when is None:
            # It speaks of a port that this destination does not have.
            continue
        yield AccessRule(tuple(_source(each.source, namespace) for each in rule.from_), possible, when)


def _source(source: Source, namespace: str) -> tuple[Condition, ...]:
    def accounts(names: Sequence[str]) -> list[str]:
        """`name` is of the policy's namespace, `namespace/name` of another."""
        pairs = [(each if "/" in each else f"{namespace}/{each}").split("/", 1) for each in names]
        return [f"cluster.local/ns/{where}/sa/{name}" for where, name in pairs]

    return tuple(
        Condition(what, tuple(values), negate)
        for what, values, negate in (
            ("principal", source.principals, False),
            ("principal", source.not_principals, True),
            ("principal", accounts(source.service_accounts), False),
            ("principal", accounts(source.not_service_accounts), True),
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
    found = []
    for each in rule.when:
        if each.key == "destination.port":
            if (each.values and not ports & set(each.values)) or ports & set(each.not_values):
                return None
            continue
        what, claim = _attribute(each.key)
        pairs = ((each.values, False), (each.not_values, True))
        found += [Condition(what, tuple(values), negate, claim) for values, negate in pairs if values]
    return tuple(found)


def _attribute(key: str) -> tuple[str, tuple[str, ...]]:
    """What a condition asks, and where in the token."""
    names = {"source.ip": "ip", "remote.ip": "remote ip", "source.namespace": "namespace"}
    claims = {"request.auth.audiences": "aud", "request.auth.presenter": "azp"}
    if header := HEADER_KEY.fullmatch(key):
        return f"header {header[1].lower()}", ()
    if key in claims:
        return "claim", (claims[key],)
    if CLAIM_KEY.fullmatch(key):
        return "claim", tuple(CLAIM.findall(key))
    return ("request principal" if key == "request.auth.principal" else names.get(key, "principal")), ()
