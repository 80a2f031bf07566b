"""StatefulSet and ControllerRevision (Kubernetes apps/v1)."""

from typing import Any

from msgspec import field

from mesh.resources.core.persistent_volume import PersistentVolumeClaimSpec, PersistentVolumeClaimStatus
from mesh.resources.core.pod import IntOrString, PodTemplateSpec
from mesh.resources.values.meta import Condition, LabelSelector, ObjectMeta, Part, Resource


class RollingUpdateStatefulSet(Part, frozen=True):
    """Pods whose ordinal is at least `partition` are updated; `max_unavailable` of them at a time."""

    partition: int = 0
    max_unavailable: IntOrString = 1


class StatefulSetUpdateStrategy(Part, frozen=True):
    type: str = "RollingUpdate"
    rolling_update: RollingUpdateStatefulSet | None = None


class StatefulSetOrdinals(Part, frozen=True):
    start: int = 0


class ClaimRetentionPolicy(Part, frozen=True):
    """What becomes of the claims: Retain or Delete."""

    when_deleted: str = "Retain"
    when_scaled: str = "Retain"


class VolumeClaimTemplate(Part, frozen=True):
    """A PersistentVolumeClaim to be created for each pod, named `<template>-<pod>`."""

    spec: PersistentVolumeClaimSpec = field(default_factory=PersistentVolumeClaimSpec)
    api_version: str = "v1"
    kind: str = "PersistentVolumeClaim"
    metadata: ObjectMeta = field(default_factory=ObjectMeta)
    status: PersistentVolumeClaimStatus = field(default_factory=PersistentVolumeClaimStatus)


class StatefulSetSpec(Part, frozen=True):
    selector: LabelSelector = field(default_factory=LabelSelector)
    template: PodTemplateSpec = field(default_factory=PodTemplateSpec)
    replicas: int = 1
    service_name: str = ""
    pod_management_policy: str = "OrderedReady"
    update_strategy: StatefulSetUpdateStrategy = field(default_factory=StatefulSetUpdateStrategy)
    volume_claim_templates: list[VolumeClaimTemplate] = []
    persistent_volume_claim_retention_policy: ClaimRetentionPolicy = field(default_factory=ClaimRetentionPolicy)
    ordinals: StatefulSetOrdinals = field(default_factory=StatefulSetOrdinals)
    min_ready_seconds: int = 0
    revision_history_limit: int = 10


class StatefulSetStatus(Part, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    collision_count: int | None = None
    conditions: list[Condition] = []


class StatefulSet(Resource, frozen=True):
    spec: StatefulSetSpec = field(default_factory=StatefulSetSpec)
    status: StatefulSetStatus = field(default_factory=StatefulSetStatus)


class ControllerRevision(Resource, frozen=True):
    """One state of a StatefulSet's or DaemonSet's template; `data` is a patch that brings it back."""

    revision: int
    data: dict[str, Any] = {}
