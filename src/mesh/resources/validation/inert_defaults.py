"""The defaults of kinds without effect: one function per kind, in place, as Kubernetes' API server writes them."""

from typing import Any

from mesh.resources.validation.defaults import fill_template
from mesh.resources.values.body import Body

RBAC = "rbac.authorization.k8s.io"


def fill_pod_template(body: Body) -> None:
    """A PodTemplate's defaults."""
    fill_template(body.setdefault("template", {}))


def fill_binding(body: Body) -> None:
    """The defaults of a RoleBinding or ClusterRoleBinding."""
    body.setdefault("roleRef", {})
    if not body["roleRef"].get("apiGroup"):
        body["roleRef"]["apiGroup"] = RBAC
    for subject in body.get("subjects", []):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def fill_priority_class(body: Body) -> None:
    """A PriorityClass's defaults."""
    body.setdefault("preemptionPolicy", "PreemptLowerPriority")


def fill_lease(body: Body) -> None:
    """A Lease's defaults."""
    body.setdefault("spec", {})


def fill_limit_range(body: Body) -> None:
    """A LimitRange's defaults: a container that says nothing gets the most, and requests what it gets."""
    for limit in body.get("spec", {}).get("limits", []):
        if limit.get("type") != "Container":
            continue
        for name, sources in (("default", ("max",)), ("defaultRequest", ("default", "min"))):
            amounts: Body = {}
            for source in reversed(sources):
                amounts |= limit.get(source, {})
            amounts |= limit.get(name, {})
            if amounts:
                limit[name] = amounts


def fill_webhooks(body: Body) -> None:
    """The defaults of a ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""
    for webhook in body.get("webhooks", []):
        _set(webhook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
        _set(webhook, namespaceSelector={}, objectSelector={})
        if body["kind"] == "MutatingWebhookConfiguration":
            webhook.setdefault("reinvocationPolicy", "Never")
        if service := webhook.get("clientConfig", {}).get("service"):
            service.setdefault("port", 443)
        for rule in webhook.get("rules", []):
            rule.setdefault("scope", "*")


def fill_network_policy(body: Body) -> None:
    """A NetworkPolicy's defaults: ports are TCP, and it is about what it has rules for."""
    spec = body.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
        for port in rule.get("ports", []):
            port.setdefault("protocol", "TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _set(body: Body, **defaults: Any) -> None:
    for name, value in defaults.items():
        body.setdefault(name, value)
