"""PersistentVolume, PersistentVolumeClaim (Kubernetes core/v1) and StorageClass (storage.k8s.io/v1)."""

from typing import Annotated, Any

from msgspec import field

from mesh.resources.core.config import ObjectReference
from mesh.resources.core.pod import HostPathVolumeSource
from mesh.resources.values.meta import Condition, LabelSelector, Part, Resource
from mesh.resources.values.shaped import shaped

Json = dict[str, Any]
Quantity = Annotated[str | int | float, shaped("quantity")]

# On a StorageClass: claims that name no class get this one.
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class VolumeResourceRequirements(Part, frozen=True):
    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class PersistentVolumeClaimSpec(Part, frozen=True):
    """`storage_class_name` is None for the default class, and "" for none: then only an existing volume will do."""

    access_modes: list[str] = []
    resources: VolumeResourceRequirements = field(default_factory=VolumeResourceRequirements)
    selector: LabelSelector | None = None
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_mode: str = "Filesystem"
    data_source: Json | None = None
    data_source_ref: Json | None = None
    volume_attributes_class_name: str | None = None


class PersistentVolumeClaimStatus(Part, frozen=True):
    phase: str = "Pending"
    access_modes: list[str] = []
    capacity: dict[str, Quantity] = {}
    conditions: list[Condition] = []
    allocated_resources: dict[str, Quantity] = {}
    allocated_resource_statuses: dict[str, str] = {}
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: Json | None = None


class PersistentVolumeClaim(Resource, frozen=True):
    spec: PersistentVolumeClaimSpec
    status: PersistentVolumeClaimStatus = field(default_factory=PersistentVolumeClaimStatus)


class LocalVolumeSource(Part, frozen=True):
    path: str
    fs_type: str | None = None


class PersistentVolumeSpec(Part, frozen=True):
    """A volume has exactly one source; only folders of this machine can be mounted here."""

    access_modes: list[str] = []
    capacity: dict[str, Quantity] = {}
    claim_ref: ObjectReference | None = None
    persistent_volume_reclaim_policy: str = "Retain"
    storage_class_name: str = ""
    volume_mode: str = "Filesystem"
    mount_options: list[str] = []
    node_affinity: Json | None = None
    volume_attributes_class_name: str | None = None
    host_path: HostPathVolumeSource | None = None
    local: LocalVolumeSource | None = None
    aws_elastic_block_store: Json | None = None
    azure_disk: Json | None = None
    azure_file: Json | None = None
    cephfs: Json | None = None
    cinder: Json | None = None
    csi: Json | None = None
    fc: Json | None = None
    flex_volume: Json | None = None
    flocker: Json | None = None
    gce_persistent_disk: Json | None = None
    glusterfs: Json | None = None
    iscsi: Json | None = None
    nfs: Json | None = None
    photon_persistent_disk: Json | None = None
    portworx_volume: Json | None = None
    quobyte: Json | None = None
    rbd: Json | None = None
    scale_io: Json | None = field(name="scaleIO", default=None)
    storageos: Json | None = None
    vsphere_volume: Json | None = None


class PersistentVolumeStatus(Part, frozen=True):
    phase: str = "Pending"
    message: str = ""
    reason: str = ""
    last_phase_transition_time: str | None = None


class PersistentVolume(Resource, frozen=True):
    spec: PersistentVolumeSpec
    status: PersistentVolumeStatus = field(default_factory=PersistentVolumeStatus)


class StorageClass(Resource, frozen=True):
    """Whatever the provisioner, a volume of the class is a folder of the mesh's home."""

    provisioner: str
    parameters: dict[str, str] = {}
    reclaim_policy: str = "Delete"
    mount_options: list[str] = []
    allow_volume_expansion: bool | None = None
    volume_binding_mode: str = "Immediate"
    allowed_topologies: list[Json] = []
