"""Fields that are valid, are stored as written, and have no effect on one machine.

Implementing a field means removing it from this list. A field on the list causes a warning when it is set, unless it
has the value that Kubernetes itself writes as the default.
"""

from typing import Any

from mesh.resources.core.config import ConfigMap, Event, Secret
from mesh.resources.core.horizontal_pod_autoscaler import ScalingRules
from mesh.resources.core.pod import (
    ConfigMapVolumeSource,
    Container,
    ContainerPort,
    EmptyDirVolumeSource,
    GRPCAction,
    HostPathVolumeSource,
    HTTPGetAction,
    KeySelector,
    KeyToPath,
    Lifecycle,
    LocalReference,
    PodSecurityContext,
    PodSpec,
    SecretVolumeSource,
    SecurityContext,
    Volume,
)
from mesh.resources.core.service import ServiceSpec
from mesh.resources.events.types import Event as NewEvent
from mesh.resources.gateway_api.types import GatewayClassSpec, ListenerTLSConfig
from mesh.resources.istio.destination_rule import LoadBalancerSettings, RetryBudget, TrafficPolicy
from mesh.resources.istio.gateway import GatewaySpec, Port, Server, ServerTLSSettings
from mesh.resources.istio.ingress_gateway import SELECTOR
from mesh.resources.istio.service_entry import ServiceEntrySpec, WorkloadEntry
from mesh.resources.istio.sidecar import IstioEgressListener, OutboundTrafficPolicy, SidecarSpec
from mesh.resources.istio.virtual_service import (
    FaultAbort,
    FaultDelay,
    HTTPRetry,
    L4MatchAttributes,
    TLSMatchAttributes,
)
from mesh.resources.validation.pod_defaults import DEFAULT_TOLERATIONS
from mesh.resources.values.meta import Condition, OwnerReference, Part

_INERT: dict[type[Part], str] = {
    # Kubernetes
    Container: (
        "imagePullPolicy resources resizePolicy restartPolicyRules terminationMessagePath terminationMessagePolicy "
        "volumeDevices"
    ),
    ContainerPort: "hostPort hostIP",
    HTTPGetAction: "protocol",
    GRPCAction: "mode",
    Lifecycle: "stopSignal",
    EmptyDirVolumeSource: "mode",
    ConfigMapVolumeSource: "defaultUser",
    SecretVolumeSource: "defaultUser",
    KeyToPath: "user",
    SecurityContext: "privileged procMount seccompProfile appArmorProfile seLinuxOptions windowsOptions",
    PodSecurityContext: (
        "fsGroupChangePolicy supplementalGroupsPolicy sysctls seccompProfile appArmorProfile seLinuxOptions "
        "seLinuxChangePolicy windowsOptions"
    ),
    Volume: (
        "csi nfs image awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume flocker "
        "gcePersistentDisk gitRepo glusterfs iscsi "
        "photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
    ),
    PodSpec: (
        "affinity evictionResponders hostIPC hostNetwork hostPID "
        "hostUsers hostnameOverride "
        "imagePullSecrets nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName "
        "readinessGates resourceClaims resources runtimeClassName schedulerName schedulingGates "
        "schedulingGroup setHostnameAsFQDN shareProcessNamespace tolerations "
        "topologySpreadConstraints"
    ),
    ServiceSpec: (
        "externalIPs externalTrafficPolicy healthCheckNodePort "
        "internalTrafficPolicy ipFamilies ipFamilyPolicy loadBalancerClass loadBalancerIP "
        "loadBalancerSourceRanges sessionAffinity sessionAffinityConfig trafficDistribution"
    ),
    # Istio
    L4MatchAttributes: "destinationSubnets sourceSubnet sourceLabels sourceNamespace",
    TLSMatchAttributes: "destinationSubnets sourceLabels sourceNamespace",
    FaultDelay: "exponentialDelay",
    FaultAbort: "http2Error",
    HTTPRetry: "retryRemoteLocalities",
    TrafficPolicy: "tunnel proxyProtocol",
    LoadBalancerSettings: "localityLbSetting zoneAwareLbSetting",
    RetryBudget: "budgetInterval",
    GatewaySpec: "selector",
    GatewayClassSpec: "parametersRef",
    ListenerTLSConfig: "options",
    ServiceEntrySpec: "addresses subjectAltNames location",
    SidecarSpec: "ingress inboundConnectionPool",
    OutboundTrafficPolicy: "egressProxy",
    IstioEgressListener: "port bind captureMode",
    WorkloadEntry: "network locality serviceAccount",
    Server: "bind defaultEndpoint",
    ServerTLSSettings: "caCrl",
    Port: "targetPort",
}

INERT: dict[type[Part], frozenset[str]] = {part: frozenset(names.split()) for part, names in _INERT.items()}

NOTHING: frozenset[str] = frozenset()

_WRITTEN_BY_KUBERNETES: dict[str, tuple[Any, ...]] = {
    "imagePullPolicy": ("IfNotPresent", "Always"),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "schedulerName": ("default-scheduler",),
    "preemptionPolicy": ("PreemptLowerPriority",),
    "priority": (0,),
    "tolerations": (list(DEFAULT_TOLERATIONS),),
    "internalTrafficPolicy": ("Cluster",),
    "externalTrafficPolicy": ("Cluster",),
    "ipFamilies": (["IPv4"],),
    "ipFamilyPolicy": ("SingleStack", "PreferDualStack"),
    "sessionAffinity": ("None",),
    "exportTo": (["*"],),
    "location": ("MESH_EXTERNAL",),
    "selector": (dict(SELECTOR),),
}


# Fields whose zero value Kubernetes stores although it means the same as none (pointers in its own types).
_KEPT_ZEROS: dict[type[Part], frozenset[str]] = {
    OwnerReference: frozenset({"controller", "blockOwnerDeletion"}),
    KeySelector: frozenset({"optional"}),
    LocalReference: frozenset({"optional"}),
    ConfigMapVolumeSource: frozenset({"optional"}),
    SecretVolumeSource: frozenset({"optional"}),
    ConfigMap: frozenset({"immutable"}),
    Secret: frozenset({"immutable"}),
    GRPCAction: frozenset({"service"}),
    HostPathVolumeSource: frozenset({"type"}),
    Event: frozenset({"reportingComponent", "reportingInstance", "source", "involvedObject"}),
    NewEvent: frozenset({"regarding", "reportingController", "reportingInstance"}),
    Condition: frozenset({"reason", "message"}),
    # An empty list is wrong there, none has a default.
    ScalingRules: frozenset({"policies"}),
}


def kept_zeros(part: type[Any]) -> frozenset[str]:
    """The JSON fields of a struct that are stored although they are zero."""
    return _KEPT_ZEROS.get(part, NOTHING)


def inert_fields(part: type[Any]) -> frozenset[str]:
    """The JSON fields of a struct that have no effect here."""
    return INERT.get(part, NOTHING)


def worth_telling(name: str, value: Any) -> bool:
    """Whether a field without effect was set on purpose: neither empty nor the value that Kubernetes writes."""
    if value is None or value is False or value in ("", [], {}):
        return False
    return value not in _WRITTEN_BY_KUBERNETES.get(name, ())
