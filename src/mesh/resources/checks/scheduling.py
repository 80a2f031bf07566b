"""What a pod's spec can get wrong about where it runs and what it may use. Checked as on a cluster; no effect here."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from mesh.resources.core.pod import PodSpec, ResourceRequirements
from mesh.resources.values.names import none_of, wrong_label, wrong_labels, wrong_subdomain
from mesh.resources.values.problems import FieldError, forbidden, required
from mesh.resources.values.quantities import quantity

Errors = Iterator[FieldError]
STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
NODE_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
REQUIRED_TERMS, PREFERRED_TERMS = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def check_scheduling(spec: PodSpec, base: str) -> Errors:
    """Everything wrong with tolerations, selectors of nodes, affinity, host names and DNS."""
    for _, why in wrong_labels(spec.node_selector):
        yield FieldError(f"{base}.nodeSelector", why)
    for number, toleration in enumerate(spec.tolerations):
        yield from _toleration(toleration, f"{base}.tolerations[{number}]")
    if spec.affinity:
        yield from _affinity(spec.affinity, f"{base}.affinity")
    for number, constraint in enumerate(spec.topology_spread_constraints):
        yield from _spread(constraint, f"{base}.topologySpreadConstraints[{number}]")
    for number, alias in enumerate(spec.host_aliases):
        yield from _host_alias(alias, f"{base}.hostAliases[{number}]")
    if spec.dns_policy:
        yield from none_of(spec.dns_policy, DNS_POLICIES, f"{base}.dnsPolicy")
    if spec.dns_policy == "None" and spec.dns_config is None:
        yield required(f"{base}.dnsConfig", "is missing; dnsPolicy None needs nameservers")
    elif spec.dns_policy == "None" and not (spec.dns_config or {}).get("nameservers"):
        yield required(f"{base}.dnsConfig.nameservers", "needs at least one with dnsPolicy None")
    for name, value in (("hostname", spec.hostname), ("subdomain", spec.subdomain)):
        if value and (wrong := wrong_label(value)):
            yield FieldError(f"{base}.{name}", wrong)
    if spec.active_deadline_seconds is not None and not 1 <= spec.active_deadline_seconds < 2**31:
        yield FieldError(f"{base}.activeDeadlineSeconds", f"{spec.active_deadline_seconds} is not in 1-2147483647")
    if spec.preemption_policy:
        yield from none_of(spec.preemption_policy, ("PreemptLowerPriority", "Never"), f"{base}.preemptionPolicy")
    if spec.priority_class_name and (wrong := wrong_subdomain(spec.priority_class_name)):
        yield FieldError(f"{base}.priorityClassName", wrong)


def check_resources(resources: ResourceRequirements, path: str) -> Errors:
    """Everything wrong with a container's resources."""
    for group, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        for name, amount in amounts.items():
            where = f"{path}.{group}[{name}]"
            if "/" not in name and name not in STANDARD_RESOURCES and not name.startswith("hugepages-"):
                yield FieldError(where, f'"{name}" is none of {", ".join(STANDARD_RESOURCES)}; others need a domain')
            elif wrong_labels({name: ""}):
                yield FieldError(where, f'"{name[:80]}" is not the name of a resource')
            if quantity(amount) < 0:
                yield FieldError(where, f"{amount} is below 0")
    for name, amount in resources.requests.items():
        limit = resources.limits.get(name)
        if limit is not None and quantity(amount) > quantity(limit):
            yield FieldError(f"{path}.requests", f"{amount} is above the limit of {name} ({limit})")


def _toleration(toleration: Mapping[str, Any], path: str) -> Errors:
    key, operator = toleration.get("key", ""), toleration.get("operator", "")
    if key and wrong_labels({key: ""}):
        yield FieldError(f"{path}.key", f'"{key[:80]}" is not a label\'s name')
    if not key and operator != "Exists":
        yield FieldError(f"{path}.operator", "must be Exists when there is no key")
    if operator:
        yield from none_of(operator, ("Equal", "Exists", "Lt", "Gt"), f"{path}.operator")
    if operator == "Exists" and toleration.get("value"):
        yield FieldError(f"{path}.operator", "has no value when it is Exists")
    if toleration.get("effect"):
        yield from none_of(toleration["effect"], EFFECTS, f"{path}.effect")
    if "tolerationSeconds" in toleration and toleration.get("effect") != "NoExecute":
        yield FieldError(f"{path}.effect", "must be NoExecute with tolerationSeconds")


def _affinity(affinity: Mapping[str, Any], path: str) -> Errors:
    node = affinity.get("nodeAffinity") or {}
    where = f"{path}.nodeAffinity"
    terms = (node.get(REQUIRED_TERMS) or {}).get("nodeSelectorTerms")
    if REQUIRED_TERMS in node and not terms:
        yield required(f"{where}.{REQUIRED_TERMS}.nodeSelectorTerms", "needs at least one term")
    for number, term in enumerate(terms or ()):
        yield from _node_term(term, f"{where}.{REQUIRED_TERMS}.nodeSelectorTerms[{number}]")
    for number, preferred in enumerate(node.get(PREFERRED_TERMS) or ()):
        yield from _weight(preferred, f"{where}.{PREFERRED_TERMS}[{number}]")
        yield from _node_term(preferred.get("preference") or {}, f"{where}.{PREFERRED_TERMS}[{number}].preference")
    for name in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(name) or {}
        for number, term in enumerate(pods.get(REQUIRED_TERMS) or ()):
            yield from _topology_key(term, f"{path}.{name}.{REQUIRED_TERMS}[{number}]")
        for number, preferred in enumerate(pods.get(PREFERRED_TERMS) or ()):
            at = f"{path}.{name}.{PREFERRED_TERMS}[{number}]"
            yield from _weight(preferred, at)
            yield from _topology_key(preferred.get("podAffinityTerm") or {}, f"{at}.podAffinityTerm")


def _weight(preferred: Mapping[str, Any], path: str) -> Errors:
    weight = preferred.get("weight", 0)
    if not 1 <= weight <= 100:
        yield FieldError(f"{path}.weight", f"{weight} is not in 1-100")


def _node_term(term: Mapping[str, Any], path: str) -> Errors:
    for number, expression in enumerate(term.get("matchExpressions") or ()):
        yield from none_of(
            expression.get("operator", ""), NODE_OPERATORS, f"{path}.matchExpressions[{number}].operator"
        )


def _topology_key(term: Mapping[str, Any], path: str) -> Errors:
    key = term.get("topologyKey", "")
    if not key:
        yield required(f"{path}.topologyKey")
    elif wrong_labels({key: ""}):
        yield FieldError(f"{path}.topologyKey", f'"{key[:80]}" is not a label\'s name')


def _spread(constraint: Mapping[str, Any], path: str) -> Errors:
    if constraint.get("maxSkew", 0) < 1:
        yield FieldError(f"{path}.maxSkew", f"{constraint.get('maxSkew', 0)} is below 1")
    if not constraint.get("topologyKey"):
        yield required(f"{path}.topologyKey")
    unsatisfiable = constraint.get("whenUnsatisfiable", "")
    yield from none_of(unsatisfiable, ("DoNotSchedule", "ScheduleAnyway"), f"{path}.whenUnsatisfiable")


def _host_alias(alias: Mapping[str, Any], path: str) -> Errors:
    address = alias.get("ip", "")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        yield FieldError(f"{path}.ip", f'"{address[:80]}" is not an IP address')
    for number, host in enumerate(alias.get("hostnames") or ()):
        if wrong := wrong_subdomain(host):
            yield FieldError(f"{path}.hostnames[{number}]", wrong)


def ephemeral_on_create(spec: PodSpec) -> Errors:
    """Ephemeral containers come to a pod that exists, by their own subresource."""
    if spec.ephemeral_containers:
        yield forbidden("spec.ephemeralContainers", "cannot be set when a pod is created; use kubectl debug")
