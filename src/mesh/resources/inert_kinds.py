"""Kinds that real manifests contain and that mean nothing on one machine.

They are checked, stored and shown; a warning of one line says why they have no effect. A new one is a row of the
table below.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from mesh.resources.columns.column import NAME_AND_AGE
from mesh.resources.columns.inert import COLUMNS
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import STATUS, KindDefinition, nothing
from mesh.resources.values.names import wrong_path, wrong_subdomain

NO_ROLES = "anybody with the mesh's kubeconfig may do everything"
NO_QUOTAS = "the mesh enforces no limits"
DEPLOYMENT = "it is stored but not run; use a Deployment"
NO_EXTENSION = "Envoy is configured only by the mesh"
MUTUAL_TLS = "traffic between pods stays on this machine and is not encrypted, so that STRICT refuses nobody"
NO_WORKLOADS = "only pods are endpoints; list other addresses in a ServiceEntry's endpoints"


class Rules(NamedTuple):
    """What a kind that `mesh.resources.shapes` describes has besides: names of functions, for a lazy import."""

    check: str
    """Of `checks.kinds_without_effect`."""

    fill: str = ""
    """Of `validation.inert_defaults`."""

    frozen: bool = False
    """Whether `<check>_update` says what may not change."""


# Kinds that are not here are stored as they are written.
RULES = {
    "ResourceQuota": Rules("check_resource_quota"),
    "LimitRange": Rules("check_limit_range", "fill_limit_range"),
    "PodTemplate": Rules("check_pod_template", "fill_pod_template"),
    "NetworkPolicy": Rules("check_network_policy", "fill_network_policy"),
    "PriorityClass": Rules("check_priority_class", "fill_priority_class", frozen=True),
    "Lease": Rules("check_lease", "fill_lease"),
    "Role": Rules("check_role"),
    "ClusterRole": Rules("check_role"),
    "RoleBinding": Rules("check_binding", "fill_binding", frozen=True),
    "ClusterRoleBinding": Rules("check_binding", "fill_binding", frozen=True),
    "ValidatingWebhookConfiguration": Rules("check_webhooks", "fill_webhooks"),
    "MutatingWebhookConfiguration": Rules("check_webhooks", "fill_webhooks"),
}
DEFAULTS = "mesh.resources.validation.inert_defaults"
CHECKS = "mesh.resources.checks.kinds_without_effect"
RBAC = "rbac.authorization.k8s.io"
# These have no status on a cluster either.
WITHOUT_STATUS = frozenset(
    {
        *((RBAC, kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")),
        *(("", kind) for kind in ("LimitRange", "PodTemplate")),
        *(("networking.k8s.io", kind) for kind in ("NetworkPolicy", "IngressClass")),
        ("scheduling.k8s.io", "PriorityClass"),
        ("coordination.k8s.io", "Lease"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    }
)


class InertKind(NamedTuple):
    """One kind; `short` are kubectl's short names, `reason` completes "has no effect here: "."""

    group: str
    versions: str
    kind: str
    plural: str
    short: str
    reason: str
    namespaced: bool = True
    categories: tuple[str, ...] = ()

    def definition(self) -> KindDefinition:
        """The definition of a kind that is checked and stored."""
        rules = RULES.get(self.kind)
        return KindDefinition(
            group=self.group,
            versions=tuple(self.versions.split()),
            kind=self.kind,
            plural=self.plural,
            short_names=tuple(self.short.split()),
            categories=self.categories,
            namespaced=self.namespaced,
            type=Untyped,
            subresources=frozenset() if (self.group, self.kind) in WITHOUT_STATUS else STATUS,
            columns=COLUMNS.get((self.group, self.kind), NAME_AND_AGE),
            # Names of roles may have a colon (`system:view`), unlike those of other kinds.
            wrong_name=wrong_path if self.group == RBAC else wrong_subdomain,
            no_effect=self.reason,
            shape=self.kind if rules else "",
            fill=later(DEFAULTS, rules.fill) if rules and rules.fill else None,
            check_body=later(CHECKS, rules.check) if rules else nothing,
            check_body_update=later(CHECKS, f"{rules.check}_update") if rules and rules.frozen else nothing,
        )


def later(module: str, function: str) -> Callable[..., Any]:
    """A function whose module is imported when it is called: most meshes never see an object of these kinds."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(module), function)(*arguments)

    return call


ISTIO_VERSIONS = "v1 v1beta1 v1alpha3"

INERT_KINDS = (
    InertKind("", "v1", "ResourceQuota", "resourcequotas", "quota", NO_QUOTAS),
    InertKind("", "v1", "LimitRange", "limitranges", "limits", NO_QUOTAS),
    InertKind("", "v1", "PodTemplate", "podtemplates", "", DEPLOYMENT),
    InertKind(
        "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol",
        "every process of this machine reaches every other; use an AuthorizationPolicy",
    ),
    InertKind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", "all pods are equal", False),
    InertKind("coordination.k8s.io", "v1", "Lease", "leases", "", "nothing elects a leader here"),
    InertKind(RBAC, "v1", "Role", "roles", "", NO_ROLES),
    InertKind(RBAC, "v1", "RoleBinding", "rolebindings", "", NO_ROLES),
    InertKind(RBAC, "v1", "ClusterRole", "clusterroles", "", NO_ROLES, False),
    InertKind(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "", NO_ROLES, False),
    InertKind(
        "admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "",
        "webhooks are not called", False),
    InertKind(
        "admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "",
        "webhooks are not called", False),
    InertKind("security.istio.io", "v1 v1beta1", "PeerAuthentication", "peerauthentications", "pa", MUTUAL_TLS),
    InertKind("networking.istio.io", "v1alpha3", "EnvoyFilter", "envoyfilters", "", NO_EXTENSION),
    InertKind("networking.istio.io", "v1beta1", "ProxyConfig", "proxyconfigs", "", NO_EXTENSION),
    InertKind(
        "networking.istio.io", ISTIO_VERSIONS, "WorkloadEntry", "workloadentries", "we", NO_WORKLOADS
    ),
    InertKind(
        "networking.istio.io", ISTIO_VERSIONS, "WorkloadGroup", "workloadgroups", "wg", NO_WORKLOADS
    ),
    InertKind(
        "telemetry.istio.io", "v1 v1alpha1", "Telemetry", "telemetries", "telemetry",
        "its accessLogging, metrics and tracing are ignored; the mesh traces all requests, or none",
    ),
    InertKind("extensions.istio.io", "v1alpha1", "WasmPlugin", "wasmplugins", "", NO_EXTENSION),
)  # fmt: skip
