"""The columns of the kinds without effect: those of a cluster (pkg/printers/internalversion, and Istio's CRDs)."""

from collections.abc import Mapping, Sequence
from typing import Any

from mesh.resources.columns.column import AGE, NAME, NONE, Column, labels_text, spec, status, with_name_and_age
from mesh.resources.values.body import Body

RBAC, NETWORKING = "rbac.authorization.k8s.io", "networking.k8s.io"
WEBHOOKS = "admissionregistration.k8s.io"
CREATED_AT = Column("Created At", lambda b: b["metadata"].get("creationTimestamp", ""), "date")
MOST_HOSTS = 3


def _quota(body: Mapping[str, Any], *, limits: bool) -> str:
    """`used/hard` of what a quota counts: its limits, or the rest."""
    hard, used = status(body).get("hard") or {}, status(body).get("used") or {}
    names = sorted(name for name in hard if name.startswith("limits") is limits)
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


def _subjects(kind: str) -> Column:
    def cell(body: Mapping[str, Any]) -> str:
        subjects = [subject for subject in body.get("subjects") or () if subject.get("kind") == kind]
        return ", ".join(
            f"{subject.get('namespace', '')}/{subject['name']}" if kind == "ServiceAccount" else subject["name"]
            for subject in subjects
        )

    return Column({"User": "Users", "Group": "Groups"}.get(kind, "ServiceAccounts"), cell, wide=True)


def _role(body: Mapping[str, Any]) -> str:
    role = body.get("roleRef") or {}
    return f"{role.get('kind', '')}/{role.get('name', '')}"


def _ingress_hosts(body: Mapping[str, Any]) -> str:
    hosts = list(dict.fromkeys(rule["host"] for rule in spec(body).get("rules") or () if rule.get("host")))
    if len(hosts) > MOST_HOSTS:
        return f"{','.join(hosts[:MOST_HOSTS])} + {len(hosts) - MOST_HOSTS} more..."
    return ",".join(hosts) or "*"


def _addresses(body: Mapping[str, Any]) -> str:
    points = (status(body).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(str(point.get("ip") or point.get("hostname", "")) for point in points)


def _pod_selector(body: Mapping[str, Any]) -> str:
    selector: Body = spec(body).get("podSelector") or {}
    return selector_text(selector)


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A label selector as kubectl prints it: `app=web,tier in (a,b),!old`."""
    parts = [f"{name}={value}" for name, value in ((selector or {}).get("matchLabels") or {}).items()]
    for expression in (selector or {}).get("matchExpressions") or ():
        key, operator = expression.get("key", ""), expression.get("operator", "")
        if operator in ("Exists", "DoesNotExist"):
            parts.append(f"{'!' if operator == 'DoesNotExist' else ''}{key}")
        else:
            parts.append(f"{key} {operator.lower()} ({','.join(sorted(expression.get('values') or ()))})")
    return ",".join(sorted(parts)) or NONE


def _of_pods(field: str) -> Column:
    def cell(body: Mapping[str, Any]) -> str:
        containers = ((body.get("template") or {}).get("spec") or {}).get("containers") or ()
        return ",".join(str(container.get(field, "")) for container in containers)

    return Column({"name": "Containers", "image": "Images"}[field], cell)


def _parameters(body: Mapping[str, Any]) -> str:
    parameters = spec(body).get("parameters")
    if not parameters:
        return NONE
    group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
    return f"{parameters.get('kind', '')}{group}/{parameters.get('name', '')}"


_BINDING = with_name_and_age(Column("Role", _role), _subjects("User"), _subjects("Group"), _subjects("ServiceAccount"))
_WEBHOOKS = with_name_and_age(Column("Webhooks", lambda b: len(b.get("webhooks") or ()), "integer"))

COLUMNS: Mapping[tuple[str, str], Sequence[Column]] = {
    ("", "ResourceQuota"): with_name_and_age(
        Column("Request", lambda b: _quota(b, limits=False)), Column("Limit", lambda b: _quota(b, limits=True))
    ),
    ("", "LimitRange"): (NAME, CREATED_AT),
    ("", "PodTemplate"): (
        NAME,
        _of_pods("name"),
        _of_pods("image"),
        Column("Pod Labels", lambda b: labels_text(((b.get("template") or {}).get("metadata") or {}).get("labels"))),
    ),
    (NETWORKING, "NetworkPolicy"): with_name_and_age(Column("Pod-Selector", _pod_selector)),
    (NETWORKING, "Ingress"): with_name_and_age(
        Column("Class", lambda b: spec(b).get("ingressClassName") or NONE),
        Column("Hosts", _ingress_hosts),
        Column("Address", _addresses),
        Column("Ports", lambda b: "80, 443" if spec(b).get("tls") else "80"),
    ),
    (NETWORKING, "IngressClass"): with_name_and_age(
        Column("Controller", lambda b: spec(b).get("controller", "")), Column("Parameters", _parameters)
    ),
    ("scheduling.k8s.io", "PriorityClass"): (
        NAME,
        Column("Value", lambda b: b.get("value", 0), "integer"),
        Column("Global-Default", lambda b: bool(b.get("globalDefault")), "boolean"),
        AGE,
        Column("PreemptionPolicy", lambda b: b.get("preemptionPolicy", "")),
    ),
    ("coordination.k8s.io", "Lease"): with_name_and_age(
        Column("Holder", lambda b: spec(b).get("holderIdentity") or "")
    ),
    (RBAC, "Role"): (NAME, CREATED_AT),
    (RBAC, "ClusterRole"): (NAME, CREATED_AT),
    (RBAC, "RoleBinding"): _BINDING,
    (RBAC, "ClusterRoleBinding"): _BINDING,
    (WEBHOOKS, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    (WEBHOOKS, "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("security.istio.io", "PeerAuthentication"): with_name_and_age(
        Column("Mode", lambda b: (spec(b).get("mtls") or {}).get("mode", ""))
    ),
    ("networking.istio.io", "WorkloadEntry"): (NAME, AGE, Column("Address", lambda b: spec(b).get("address", ""))),
}
"""By group and kind; kinds that are not here show their name and age."""
