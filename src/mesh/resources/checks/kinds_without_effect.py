"""What objects of kinds without effect can get wrong by themselves: Kubernetes' validation, on JSON."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.checks.pod import check_template
from mesh.resources.core.pod import PodTemplateSpec
from mesh.resources.values.names import none_of, wrong_label, wrong_labels, wrong_port, wrong_port_name, wrong_subdomain
from mesh.resources.values.problems import FieldError, Reason, forbidden, required
from mesh.resources.values.quantities import quantity

Errors = Iterator[FieldError]
Json = Mapping[str, Any]
RBAC = "rbac.authorization.k8s.io"
HIGHEST_PRIORITY = 1_000_000_000
PROTOCOLS = ("TCP", "UDP", "SCTP")
# Of two limits of a resource, the first may not be above the second.
LIMITS_IN_ORDER = (
    ("min", "max"),
    ("min", "defaultRequest"),
    ("min", "default"),
    ("defaultRequest", "default"),
    ("default", "max"),
)


def check_role(body: Json) -> Errors:
    """Everything wrong with a Role or ClusterRole."""
    for number, rule in enumerate(body.get("rules") or ()):
        path = f"rules[{number}]"
        if not rule.get("verbs"):
            yield required(f"{path}.verbs")
        if urls := rule.get("nonResourceURLs"):
            if body["kind"] == "Role":
                yield FieldError(f"{path}.nonResourceURLs", f"{urls} cannot be used in a Role; use a ClusterRole")
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                yield FieldError(f"{path}.nonResourceURLs", "cannot be used with resources in one rule")
            continue
        for name in ("apiGroups", "resources"):
            if not rule.get(name):
                yield required(f"{path}.{name}")


def check_binding(body: Json) -> Errors:
    """Everything wrong with a RoleBinding or ClusterRoleBinding."""
    role = body.get("roleRef") or {}
    yield from _is(role.get("apiGroup", ""), RBAC, "roleRef.apiGroup")
    if body["kind"] == "ClusterRoleBinding":
        yield from _is(role.get("kind", ""), "ClusterRole", "roleRef.kind")
    else:
        yield from none_of(role.get("kind", ""), ("Role", "ClusterRole"), "roleRef.kind")
    if not role.get("name"):
        yield required("roleRef.name")
    for number, subject in enumerate(body.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{number}]")


def check_binding_update(old: Json, new: Json) -> Errors:
    """Who is bound may change, to what may not."""
    if old.get("roleRef") != new.get("roleRef"):
        yield FieldError("roleRef", "cannot be changed; delete the binding, and create another")


def check_priority_class(body: Json) -> Errors:
    """Everything wrong with a PriorityClass."""
    if body["metadata"].get("name", "").startswith("system-"):
        yield forbidden("metadata.name", 'begins with "system-", which is Kubernetes\' own')
    elif body.get("value", 0) > HIGHEST_PRIORITY:
        yield forbidden("value", f"{body['value']} is above {HIGHEST_PRIORITY}")
    yield from none_of(body.get("preemptionPolicy", ""), ("PreemptLowerPriority", "Never"), "preemptionPolicy")


def check_priority_class_update(old: Json, new: Json) -> Errors:
    """Pods have a copy of the value."""
    for name in ("value", "preemptionPolicy"):
        if old.get(name) != new.get(name):
            yield forbidden(name, f"cannot be changed; it is {old.get(name)}")


def check_lease(body: Json) -> Errors:
    """Everything wrong with a Lease."""
    spec = body.get("spec") or {}
    if spec.get("leaseDurationSeconds", 1) <= 0:
        yield FieldError("spec.leaseDurationSeconds", f"{spec['leaseDurationSeconds']} is not above 0")
    if spec.get("leaseTransitions", 0) < 0:
        yield FieldError("spec.leaseTransitions", f"{spec['leaseTransitions']} is below 0")


def check_resource_quota(body: Json) -> Errors:
    """Everything wrong with a ResourceQuota."""
    for name, amount in ((body.get("spec") or {}).get("hard") or {}).items():
        path = f"spec.hard[{name}]"
        if wrong_labels({name: ""}):
            yield FieldError(path, f'"{name[:80]}" is not the name of a resource')
        elif quantity(amount) < 0:
            yield FieldError(path, f"{amount} is below 0")


def check_limit_range(body: Json) -> Errors:
    """Everything wrong with a LimitRange."""
    seen = set()
    for number, limit in enumerate((body.get("spec") or {}).get("limits") or ()):
        path = f"spec.limits[{number}]"
        type_ = limit.get("type", "")
        if not type_:
            yield FieldError(f"{path}.type", "is missing (for example, Container)")
        if type_ in seen:
            yield FieldError(f"{path}.type", f'duplicate "{type_}"', reason=Reason.DUPLICATE)
        seen.add(type_)
        for less, more in LIMITS_IN_ORDER:
            above = limit.get(more) or {}
            for name, amount in (limit.get(less) or {}).items():
                if name in above and quantity(amount) > quantity(above[name]):
                    # The default is what is out of range, not the limit.
                    wrong = less if (less, more) != ("min", "defaultRequest") and more != "default" else more
                    yield FieldError(f"{path}.{wrong}[{name}]", f"{less} is {amount}, {more} {above[name]}")


def check_pod_template(body: Json) -> Errors:
    """Everything wrong with a PodTemplate."""
    import msgspec  # noqa: PLC0415 - the one kind of these that is a struct inside

    yield from check_template(msgspec.convert(body.get("template") or {}, PodTemplateSpec), "template")


def check_webhooks(body: Json) -> Errors:
    """Everything wrong with a ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""
    for number, webhook in enumerate(body.get("webhooks") or ()):
        path = f"webhooks[{number}]"
        name = webhook.get("name", "")
        if wrong_subdomain(name) or name.count(".") < 2:
            yield FieldError(f"{path}.name", f'"{name[:80]}" is not a domain of three parts (such as a.example.com)')
        if not webhook.get("admissionReviewVersions"):
            yield required(f"{path}.admissionReviewVersions", "is missing; use v1")
        if webhook.get("sideEffects") is None:
            yield required(f"{path}.sideEffects", "is missing; use None or NoneOnDryRun")
        else:
            yield from none_of(webhook["sideEffects"], ("None", "NoneOnDryRun"), f"{path}.sideEffects")
        yield from none_of(webhook["failurePolicy"], ("Fail", "Ignore"), f"{path}.failurePolicy")
        yield from none_of(webhook["matchPolicy"], ("Equivalent", "Exact"), f"{path}.matchPolicy")
        if not 1 <= webhook["timeoutSeconds"] <= 30:
            yield FieldError(f"{path}.timeoutSeconds", f"{webhook['timeoutSeconds']} is not in 1-30")
        client = webhook.get("clientConfig") or {}
        if ("url" in client) == ("service" in client):
            yield required(f"{path}.clientConfig", "needs exactly one of url and service")


def check_node(body: Json) -> Errors:
    """Everything wrong with a Node."""
    for number, taint in enumerate((body.get("spec") or {}).get("taints") or ()):
        effects = ("NoSchedule", "PreferNoSchedule", "NoExecute")
        yield from none_of(taint.get("effect", ""), effects, f"spec.taints[{number}].effect")
        if not taint.get("key"):
            yield required(f"spec.taints[{number}].key")


def check_network_policy(body: Json) -> Errors:
    """Everything wrong with a NetworkPolicy."""
    spec = body["spec"]
    for number, type_ in enumerate(spec.get("policyTypes") or ()):
        yield from none_of(type_, ("Ingress", "Egress"), f"spec.policyTypes[{number}]")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{number}]"
            for place, port in enumerate(rule.get("ports") or ()):
                yield from _policy_port(port, f"{path}.ports[{place}]")
            for place, peer in enumerate(rule.get(peers) or ()):
                yield from _policy_peer(peer, f"{path}.{peers}[{place}]")


def _is(value: str, only: str, path: str) -> Errors:
    if value != only:
        yield FieldError(path, f'"{value[:80]}" is not "{only}"', reason=Reason.NOT_SUPPORTED)


def _subject(subject: Json, path: str) -> Errors:
    if not subject.get("name"):
        yield required(f"{path}.name")
    kind, group = subject.get("kind", ""), subject.get("apiGroup", "")
    if kind == "ServiceAccount":
        yield from _is(group, "", f"{path}.apiGroup")
        if not subject.get("namespace"):
            yield required(f"{path}.namespace")
        elif wrong := wrong_label(subject["namespace"]):
            yield FieldError(f"{path}.namespace", wrong)
    elif kind in ("User", "Group"):
        yield from _is(group, RBAC, f"{path}.apiGroup")
    else:
        yield from none_of(kind, ("ServiceAccount", "User", "Group"), f"{path}.kind")


def _policy_port(port: Json, path: str) -> Errors:
    yield from none_of(port.get("protocol", ""), PROTOCOLS, f"{path}.protocol")
    number = port.get("port")
    if isinstance(number, int):
        if wrong := wrong_port(number):
            yield FieldError(f"{path}.port", wrong)
        if "endPort" in port and port["endPort"] < number:
            yield FieldError(f"{path}.endPort", f"{port['endPort']} is below port ({number})")
    elif number is not None and (wrong := wrong_port_name(number)):
        yield FieldError(f"{path}.port", wrong)
    if not isinstance(number, int) and "endPort" in port:
        yield FieldError(f"{path}.endPort", "needs a port by number")


def _policy_peer(peer: Json, path: str) -> Errors:
    if not peer:
        yield required(path, "is empty; give podSelector, namespaceSelector or ipBlock")
    block = peer.get("ipBlock")
    if block is None:
        return
    if len(peer) > 1:
        yield forbidden(path, "ipBlock cannot be used with a selector")
    network = _network(block.get("cidr", ""))
    if not block.get("cidr"):
        yield required(f"{path}.ipBlock.cidr")
    elif network is None:
        yield FieldError(f"{path}.ipBlock.cidr", f'"{block["cidr"][:80]}" is not a network (such as 10.0.0.0/8)')
    yield from _exceptions(block.get("except") or (), network, f"{path}.ipBlock.except")


def _exceptions(exceptions: Sequence[str], network: Any, path: str) -> Errors:
    for number, text in enumerate(exceptions):
        exception = _network(text)
        if exception is None:
            yield FieldError(f"{path}[{number}]", f'"{text[:80]}" is not a network (for example, 10.1.0.0/16)')
        elif network is not None and (exception.version != network.version or not exception.subnet_of(network)):
            yield FieldError(f"{path}[{number}]", f'"{text}" is not within {network}')


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None
