"""Kinds that real manifests contain and that mean nothing on one machine.

They are checked, stored and shown; a warning of one line says why they have no effect. A new one is a row of the
table below.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from mesh.resources.columns import inert, machinery
from mesh.resources.columns.column import NAME_AND_AGE
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import STATUS, KindDefinition, nothing
from mesh.resources.values.names import wrong_path, wrong_subdomain

NO_ROLES = "anybody with the mesh's kubeconfig may do everything"
NO_QUOTAS = "the mesh enforces no limits"
DEPLOYMENT = "it is stored but not run; use a Deployment"
NO_EXTENSION = "Envoy is configured only by the mesh"
MUTUAL_TLS = "traffic between pods stays on this machine and is not encrypted, so that STRICT refuses nobody"
NO_WORKLOADS = "only pods are endpoints; list other addresses in a ServiceEntry's endpoints"
NO_ADMISSION = "admission policies are not evaluated"
NO_CERTIFICATES = "nothing signs certificates here"
NO_QUEUES = "the mesh's API serves all clients alike"
NO_DRIVERS = "volumes are folders of this machine, without drivers"
NO_DEVICES = "pods use this machine's devices as any process does"
ONE_NETWORK = "the mesh gives out the addresses of Services itself"


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
COLUMNS = {**inert.COLUMNS, **machinery.COLUMNS}
RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
CERTIFICATES = "certificates.k8s.io"
FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"
STORAGE = "storage.k8s.io"
DEVICES = "resource.k8s.io"
# These have no status on a cluster either.
WITHOUT_STATUS = frozenset(
    {
        *((RBAC, kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")),
        *(("", kind) for kind in ("LimitRange", "PodTemplate")),
        *(("networking.k8s.io", kind) for kind in ("NetworkPolicy", "IngressClass")),
        ("scheduling.k8s.io", "PriorityClass"),
        ("coordination.k8s.io", "Lease"),
        *((ADMISSION, f"{prefix}WebhookConfiguration") for prefix in ("Validating", "Mutating")),
        *((ADMISSION, f"{prefix}AdmissionPolicyBinding") for prefix in ("Validating", "Mutating")),
        (ADMISSION, "MutatingAdmissionPolicy"),
        (CERTIFICATES, "ClusterTrustBundle"),
        ("node.k8s.io", "RuntimeClass"),
        *((STORAGE, kind) for kind in ("CSIDriver", "CSINode", "CSIStorageCapacity", "VolumeAttributesClass")),
        *((DEVICES, kind) for kind in ("DeviceClass", "ResourceClaimTemplate", "ResourceSlice")),
        ("networking.k8s.io", "IPAddress"),
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
            # Names of roles and trust bundles may have a colon (`system:view`), unlike those of other kinds.
            wrong_name=wrong_path if self.group == RBAC or self.kind == "ClusterTrustBundle" else wrong_subdomain,
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
        ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "",
        "webhooks are not called", False),
    InertKind(
        ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "",
        "webhooks are not called", False),
    InertKind(
        ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "", NO_ADMISSION, False
    ),
    InertKind(
        ADMISSION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "", NO_ADMISSION,
        False,
    ),
    InertKind(ADMISSION, "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", "", NO_ADMISSION, False),
    InertKind(
        ADMISSION, "v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", "", NO_ADMISSION, False
    ),
    InertKind(
        "apiregistration.k8s.io", "v1", "APIService", "apiservices", "",
        "the mesh's API does not forward requests to other servers", False, ("api-extensions",),
    ),
    InertKind(
        CERTIFICATES, "v1", "CertificateSigningRequest", "certificatesigningrequests", "csr", NO_CERTIFICATES, False
    ),
    InertKind(
        CERTIFICATES, "v1", "ClusterTrustBundle", "clustertrustbundles", "", "pods trust what this machine trusts",
        False,
    ),
    InertKind(CERTIFICATES, "v1", "PodCertificateRequest", "podcertificaterequests", "", NO_CERTIFICATES),
    InertKind(FLOW_CONTROL, "v1", "FlowSchema", "flowschemas", "", NO_QUEUES, False),
    InertKind(FLOW_CONTROL, "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", "", NO_QUEUES, False),
    InertKind(
        "node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", "", "pods run as processes, without a container runtime",
        False,
    ),
    InertKind(STORAGE, "v1", "CSIDriver", "csidrivers", "", NO_DRIVERS, False),
    InertKind(STORAGE, "v1", "CSINode", "csinodes", "", NO_DRIVERS, False),
    InertKind(STORAGE, "v1", "CSIStorageCapacity", "csistoragecapacities", "", NO_DRIVERS),
    InertKind(STORAGE, "v1", "VolumeAttachment", "volumeattachments", "", NO_DRIVERS, False),
    InertKind(STORAGE, "v1", "VolumeAttributesClass", "volumeattributesclasses", "vac", NO_DRIVERS, False),
    InertKind(
        "storagemigration.k8s.io", "v1", "StorageVersionMigration", "storageversionmigrations", "",
        "objects are stored as they are written", False,
    ),
    InertKind(DEVICES, "v1", "DeviceClass", "deviceclasses", "", NO_DEVICES, False),
    InertKind(DEVICES, "v1", "DeviceTaintRule", "devicetaintrules", "", NO_DEVICES, False),
    InertKind(DEVICES, "v1", "ResourceClaim", "resourceclaims", "", NO_DEVICES),
    InertKind(DEVICES, "v1", "ResourceClaimTemplate", "resourceclaimtemplates", "", NO_DEVICES),
    InertKind(DEVICES, "v1", "ResourceSlice", "resourceslices", "", NO_DEVICES, False),
    InertKind("networking.k8s.io", "v1", "IPAddress", "ipaddresses", "ip", ONE_NETWORK, False),
    InertKind("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", "", ONE_NETWORK, False),
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
