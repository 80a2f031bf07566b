"""The identities of kinds and objects: what a message, a status or a route's origin names."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class GroupKind(NamedTuple):
    """The identity of a kind; `group` is "" for Kubernetes' core.

    The kind alone identifies nothing: Istio and the Gateway API both have a Gateway, and any CustomResourceDefinition
    may bring a Service.
    """

    group: str
    kind: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The kind of an object, or of what an owner reference names: whatever has apiVersion and kind."""
        return cls(str(body.get("apiVersion", "")).rpartition("/")[0], str(body.get("kind", "")))


class Ref(NamedTuple):
    """Names one object; `group` is "" for Kubernetes' core, `namespace` is "" for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The kind of the object."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


NAMESPACE = GroupKind("", "Namespace")
CONFIG_MAP = GroupKind("", "ConfigMap")
POD = GroupKind("", "Pod")
SERVICE = GroupKind("", "Service")
DEPLOYMENT = GroupKind("apps", "Deployment")
REPLICA_SET = GroupKind("apps", "ReplicaSet")
STATEFUL_SET = GroupKind("apps", "StatefulSet")
DAEMON_SET = GroupKind("apps", "DaemonSet")
CONTROLLER_REVISION = GroupKind("apps", "ControllerRevision")
REPLICATION_CONTROLLER = GroupKind("", "ReplicationController")
PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
PERSISTENT_VOLUME_CLAIM = GroupKind("", "PersistentVolumeClaim")
STORAGE_CLASS = GroupKind("storage.k8s.io", "StorageClass")
JOB = GroupKind("batch", "Job")
CRON_JOB = GroupKind("batch", "CronJob")
HORIZONTAL_POD_AUTOSCALER = GroupKind("autoscaling", "HorizontalPodAutoscaler")
POD_DISRUPTION_BUDGET = GroupKind("policy", "PodDisruptionBudget")
ENDPOINT_SLICE = GroupKind("discovery.k8s.io", "EndpointSlice")
CUSTOM_RESOURCE_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
ISTIO_GATEWAY = GroupKind("networking.istio.io", "Gateway")
KUBERNETES_GATEWAY = GroupKind("gateway.networking.k8s.io", "Gateway")
INGRESS = GroupKind("networking.k8s.io", "Ingress")
# The kinds for which the mesh listens at the gateway's ports, where preview hosts enter.
GATEWAYS = (ISTIO_GATEWAY, KUBERNETES_GATEWAY, INGRESS)
VIRTUAL_SERVICE = GroupKind("networking.istio.io", "VirtualService")
DESTINATION_RULE = GroupKind("networking.istio.io", "DestinationRule")
SERVICE_ENTRY = GroupKind("networking.istio.io", "ServiceEntry")
BRANCH = GroupKind("meshmall.dev", "Branch")
