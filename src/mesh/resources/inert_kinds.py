"""Kinds that real manifests contain and that mean nothing on one machine.

They are stored and shown as written; a warning of one line says why they have no effect. A new one is a row of the
table below.
"""

from typing import NamedTuple

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import STATUS, KindDefinition
from mesh.resources.values.names import wrong_path, wrong_subdomain

NO_ROLES = "anybody with the mesh's kubeconfig may do everything"
NO_QUOTAS = "the mesh enforces no limits"
DEPLOYMENT = "it is stored but not run; use a Deployment"
NO_EXTENSION = "Envoy is configured only by the mesh"
MUTUAL_TLS = "traffic between pods stays on this machine and is not encrypted"


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
        """The definition of a kind that is stored as it was written."""
        return KindDefinition(
            group=self.group,
            versions=tuple(self.versions.split()),
            kind=self.kind,
            plural=self.plural,
            short_names=tuple(self.short.split()),
            categories=self.categories,
            namespaced=self.namespaced,
            type=Untyped,
            subresources=STATUS,
            # Names of roles may have a colon (`system:view`), unlike those of other kinds.
            wrong_name=wrong_path if self.group == RBAC else wrong_subdomain,
            no_effect=self.reason,
        )


ISTIO_VERSIONS = "v1 v1beta1 v1alpha3"
RBAC = "rbac.authorization.k8s.io"

INERT_KINDS = (
    InertKind("", "v1", "ResourceQuota", "resourcequotas", "quota", NO_QUOTAS),
    InertKind("", "v1", "LimitRange", "limitranges", "limits", NO_QUOTAS),
    InertKind("", "v1", "PodTemplate", "podtemplates", "", DEPLOYMENT),
    InertKind(
        "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol",
        "every process of this machine reaches every other; use an AuthorizationPolicy",
    ),
    InertKind(
        "networking.k8s.io", "v1", "Ingress", "ingresses", "ing",
        "nothing serves it; use Istio's Gateway and VirtualService, or the Gateway API",
    ),
    InertKind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", "", "nothing serves Ingresses", False),
    InertKind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", "all pods are equal", False),
    InertKind("coordination.k8s.io", "v1", "Lease", "leases", "", "nothing elects a leader here"),
    InertKind(RBAC, "v1", "Role", "roles", "", NO_ROLES),
    InertKind(RBAC, "v1", "RoleBinding", "rolebindings", "", NO_ROLES),
    InertKind(RBAC, "v1", "ClusterRole", "clusterroles", "", NO_ROLES, False),
    InertKind(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "", NO_ROLES, False),
    InertKind(
        "admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "",
        "webhooks are not called", False,
    ),
    InertKind(
        "admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "",
        "webhooks are not called", False,
    ),
    InertKind("security.istio.io", "v1 v1beta1", "PeerAuthentication", "peerauthentications", "pa", MUTUAL_TLS),
    InertKind("networking.istio.io", "v1alpha3", "EnvoyFilter", "envoyfilters", "", NO_EXTENSION),
    InertKind("networking.istio.io", "v1beta1", "ProxyConfig", "proxyconfigs", "", NO_EXTENSION),
    InertKind(
        "networking.istio.io", ISTIO_VERSIONS, "WorkloadEntry", "workloadentries", "we", "only pods are endpoints"
    ),
    InertKind(
        "networking.istio.io", ISTIO_VERSIONS, "WorkloadGroup", "workloadgroups", "wg", "only pods are endpoints"
    ),
    InertKind(
        "telemetry.istio.io", "v1 v1alpha1", "Telemetry", "telemetries", "telemetry",
        "it does not change what the mesh observes",
    ),
    InertKind("extensions.istio.io", "v1alpha1", "WasmPlugin", "wasmplugins", "", NO_EXTENSION),
)  # fmt: skip
