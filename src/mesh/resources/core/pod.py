"""Pod and its parts (Kubernetes core/v1)."""

from typing import Annotated, Any

from msgspec import field

from mesh.resources.values.meta import Condition, ObjectMeta, Part, Resource
from mesh.resources.values.shaped import shaped

IntOrString = int | str

DEFAULT_GRACE = 30
"""Seconds from SIGTERM to SIGKILL when a pod does not say (terminationGracePeriodSeconds)."""

Json = dict[str, Any]

# Fields that must be set have a default all the same: to Kubernetes, absent is zero, and the checks say what is
# missing together with everything else that is wrong.

# Begins the line of a waiting container's message that explains what the program's own words leave open.
HINT = "hint: "


class ObjectFieldSelector(Part, frozen=True):
    field_path: str = ""
    api_version: str = "v1"


class KeySelector(Part, frozen=True):
    key: str = ""
    name: str = ""
    optional: bool = False


class ResourceFieldSelector(Part, frozen=True):
    resource: str = ""
    container_name: str = ""
    divisor: Annotated[str | int, shaped("quantity")] = "1"


class EnvVarSource(Part, frozen=True):
    field_ref: ObjectFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    file_key_ref: Annotated[Json, shaped("FileKeySelector")] | None = None
    resource_field_ref: ResourceFieldSelector | None = None


class EnvVar(Part, frozen=True):
    name: str = ""
    value: str = ""
    value_from: EnvVarSource | None = None


class LocalReference(Part, frozen=True):
    """A ConfigMap or Secret of the pod's namespace, all of its keys."""

    name: str = ""
    optional: bool = False


class LocalObjectReference(Part, frozen=True):
    name: str = ""


class EnvFromSource(Part, frozen=True):
    prefix: str = ""
    config_map_ref: LocalReference | None = None
    secret_ref: LocalReference | None = None


class ContainerPort(Part, frozen=True):
    container_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0
    host_ip: str = field(name="hostIP", default="")


class HTTPHeader(Part, frozen=True):
    name: str = ""
    value: str = ""


class HTTPGetAction(Part, frozen=True):
    port: IntOrString = 0
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    protocol: str = ""
    http_headers: list[HTTPHeader] = []


class TCPSocketAction(Part, frozen=True):
    port: IntOrString = 0
    host: str = ""


class ExecAction(Part, frozen=True):
    command: list[str] = []


class GRPCAction(Part, frozen=True):
    port: int = 0
    service: str = ""
    mode: str = ""


class SleepAction(Part, frozen=True):
    seconds: int = 0


class Probe(Part, frozen=True):
    """Times are seconds. Exactly one of `http_get`, `tcp_socket`, `exec`, `grpc` is set."""

    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class LifecycleHandler(Part, frozen=True):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Part, frozen=True):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str = ""


class ResourceRequirements(Part, frozen=True):
    limits: Annotated[dict[str, str | int | float], shaped("{quantity}")] = {}
    requests: Annotated[dict[str, str | int | float], shaped("{quantity}")] = {}
    claims: list[Annotated[Json, shaped("ResourceClaim")]] = []


class VolumeMount(Part, frozen=True):
    name: str = ""
    mount_path: str = ""
    read_only: bool = False
    recursive_read_only: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""
    mount_propagation: str = ""
    bind_mount_options: list[str] = []


class SecurityContext(Part, frozen=True):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    privileged: bool | None = None
    proc_mount: str = ""
    capabilities: Annotated[dict[str, list[str]], shaped("Capabilities")] = {}
    seccomp_profile: Annotated[Json, shaped("SeccompProfile")] = {}
    app_armor_profile: Annotated[Json, shaped("AppArmorProfile")] = {}
    se_linux_options: Annotated[Json, shaped("SELinuxOptions")] = {}
    windows_options: Annotated[Json, shaped("WindowsOptions")] = {}


class PodSecurityContext(Part, frozen=True):
    """What holds for all containers of a pod that do not say otherwise."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    fs_group: int | None = None
    fs_group_change_policy: str = ""
    supplemental_groups: list[int] = []
    supplemental_groups_policy: str = ""
    sysctls: list[Annotated[Json, shaped("Sysctl")]] = []
    seccomp_profile: Annotated[Json, shaped("SeccompProfile")] = {}
    app_armor_profile: Annotated[Json, shaped("AppArmorProfile")] = {}
    se_linux_options: Annotated[Json, shaped("SELinuxOptions")] = {}
    se_linux_change_policy: str = ""
    windows_options: Annotated[Json, shaped("WindowsOptions")] = {}


class Container(Part, frozen=True):
    name: str = ""
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    working_dir: str = ""
    env: list[EnvVar] = []
    env_from: list[EnvFromSource] = []
    ports: list[ContainerPort] = []
    startup_probe: Probe | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    image_pull_policy: str = ""
    resources: ResourceRequirements | None = None
    resize_policy: list[Annotated[Json, shaped("ContainerResizePolicy")]] = []
    restart_policy: str = ""
    restart_policy_rules: list[Annotated[Json, shaped("ContainerRestartRule")]] = []
    security_context: SecurityContext | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    termination_message_path: str = ""
    termination_message_policy: str = ""
    volume_mounts: list[VolumeMount] = []
    volume_devices: list[Annotated[Json, shaped("VolumeDevice")]] = []

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        """The ports that it says it listens on."""
        return tuple(port.container_port for port in self.ports if port.protocol == "TCP")


class KeyToPath(Part, frozen=True):
    """`mode` is the file's permission bits."""

    key: str = ""
    path: str = ""
    mode: int | None = None
    user: int | None = None


class EmptyDirVolumeSource(Part, frozen=True):
    medium: str = ""
    size_limit: Annotated[str | int | float, shaped("quantity")] | None = None
    mode: int | None = None


class ConfigMapVolumeSource(Part, frozen=True):
    """Without `items` every key becomes a file."""

    name: str = ""
    optional: bool = False
    items: list[KeyToPath] = []
    default_mode: int = 0o644
    default_user: int | None = None


class SecretVolumeSource(Part, frozen=True):
    """Without `items` every key becomes a file."""

    secret_name: str = ""
    optional: bool = False
    items: list[KeyToPath] = []
    default_mode: int = 0o644
    default_user: int | None = None


class HostPathVolumeSource(Part, frozen=True):
    path: str = ""
    type: str = ""


class Volume(Part, frozen=True):
    """A volume has exactly one source; those that one machine cannot have are kept as written."""

    name: str = ""
    empty_dir: EmptyDirVolumeSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    projected: Annotated[Json, shaped("ProjectedVolumeSource")] | None = None
    downward_api: Annotated[Json, shaped("DownwardAPIVolumeSource")] | None = field(name="downwardAPI", default=None)
    persistent_volume_claim: Annotated[Json, shaped("PersistentVolumeClaimVolumeSource")] | None = None
    csi: Annotated[Json, shaped("CSIVolumeSource")] | None = None
    ephemeral: Annotated[Json, shaped("EphemeralVolumeSource")] | None = None
    nfs: Annotated[Json, shaped("NFSVolumeSource")] | None = None
    image: Annotated[Json, shaped("ImageVolumeSource")] | None = None
    aws_elastic_block_store: Annotated[Json, shaped("AWSElasticBlockStoreVolumeSource")] | None = None
    azure_disk: Annotated[Json, shaped("AzureDiskVolumeSource")] | None = None
    azure_file: Annotated[Json, shaped("AzureFileVolumeSource")] | None = None
    cephfs: Annotated[Json, shaped("CephFSVolumeSource")] | None = None
    cinder: Annotated[Json, shaped("CinderVolumeSource")] | None = None
    fc: Annotated[Json, shaped("FCVolumeSource")] | None = None
    flex_volume: Annotated[Json, shaped("FlexVolumeSource")] | None = None
    flocker: Annotated[Json, shaped("FlockerVolumeSource")] | None = None
    gce_persistent_disk: Annotated[Json, shaped("GCEPersistentDiskVolumeSource")] | None = None
    git_repo: Annotated[Json, shaped("GitRepoVolumeSource")] | None = None
    glusterfs: Annotated[Json, shaped("GlusterfsVolumeSource")] | None = None
    iscsi: Annotated[Json, shaped("ISCSIVolumeSource")] | None = None
    photon_persistent_disk: Annotated[Json, shaped("PhotonPersistentDiskVolumeSource")] | None = None
    portworx_volume: Annotated[Json, shaped("PortworxVolumeSource")] | None = None
    quobyte: Annotated[Json, shaped("QuobyteVolumeSource")] | None = None
    rbd: Annotated[Json, shaped("RBDVolumeSource")] | None = None
    scale_io: Annotated[Json, shaped("ScaleIOVolumeSource")] | None = field(name="scaleIO", default=None)
    storageos: Annotated[Json, shaped("StorageOSVolumeSource")] | None = None
    vsphere_volume: Annotated[Json, shaped("VsphereVirtualDiskVolumeSource")] | None = None


class PodSpec(Part, frozen=True):
    containers: list[Container] = []
    init_containers: list[Container] = []
    ephemeral_containers: list[Json] = []
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    service_account_name: str = ""
    service_account: str = ""
    node_name: str = ""
    active_deadline_seconds: int | None = None
    affinity: Annotated[Json, shaped("Affinity")] | None = None
    automount_service_account_token: bool | None = None
    dns_config: Annotated[Json, shaped("PodDNSConfig")] | None = None
    dns_policy: str = ""
    enable_service_links: bool = True
    eviction_responders: list[Json] = []
    host_aliases: list[Annotated[Json, shaped("HostAlias")]] = []
    host_ipc: bool = field(name="hostIPC", default=False)
    host_network: bool = False
    host_pid: bool = field(name="hostPID", default=False)
    host_users: bool | None = None
    hostname: str = ""
    hostname_override: str = ""
    image_pull_secrets: list[LocalObjectReference] = []
    node_selector: dict[str, str] = {}
    os: Annotated[Json, shaped("PodOS")] | None = None
    overhead: Annotated[Json, shaped("{quantity}")] | None = None
    preemption_policy: str = ""
    priority: int | None = None
    priority_class_name: str = ""
    readiness_gates: list[Annotated[Json, shaped("PodReadinessGate")]] = []
    resource_claims: list[Annotated[Json, shaped("PodResourceClaim")]] = []
    resources: ResourceRequirements | None = None
    runtime_class_name: str = ""
    scheduler_name: str = ""
    scheduling_gates: list[Annotated[Json, shaped("PodSchedulingGate")]] = []
    scheduling_group: Annotated[Json, shaped("PodSchedulingGroup")] | None = None
    security_context: PodSecurityContext | None = None
    set_hostname_as_fqdn: bool | None = field(name="setHostnameAsFQDN", default=None)
    share_process_namespace: bool | None = None
    subdomain: str = ""
    tolerations: list[Annotated[Json, shaped("Toleration")]] = []
    topology_spread_constraints: list[Annotated[Json, shaped("TopologySpreadConstraint")]] = []
    volumes: list[Volume] = []


class PodTemplateSpec(Part, frozen=True):
    spec: PodSpec = field(default_factory=PodSpec)
    metadata: ObjectMeta = field(default_factory=ObjectMeta)


class ContainerStatus(Part, frozen=True):
    name: str
    state: Json = {}
    last_state: Json = {}
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    image_id: str = field(name="imageID", default="")
    container_id: str = field(name="containerID", default="")
    allocated_resources: Json = {}
    allocated_resources_status: list[Json] = []
    resources: ResourceRequirements | None = None
    stop_signal: str = ""
    user: Json | None = None
    volume_mounts: list[Json] = []


class PodStatus(Part, frozen=True):
    phase: str = ""
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []
    pod_ip: str = field(name="podIP", default="")
    pod_ips: list[Json] = field(name="podIPs", default_factory=list)
    host_ip: str = field(name="hostIP", default="")
    host_ips: list[Json] = field(name="hostIPs", default_factory=list)
    start_time: str | None = None
    qos_class: str = ""
    ephemeral_container_statuses: list[ContainerStatus] = []
    nominated_node_name: str = ""
    allocated_resources: Json = {}
    resources: ResourceRequirements | None = None
    resize: str = ""
    resource_claim_statuses: list[Json] = []
    extended_resource_claim_status: Json | None = None
    node_allocatable_resource_claim_statuses: list[Json] = []
    volume_health: list[Json] = []
    reason: str = ""
    message: str = ""
    observed_generation: int | None = None


class Pod(Resource, frozen=True):
    spec: PodSpec = field(default_factory=PodSpec)
    status: PodStatus = field(default_factory=PodStatus)
