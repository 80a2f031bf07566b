"""Pod and its parts (Kubernetes core/v1)."""

from typing import Any, ClassVar

from msgspec import field

from mesh.resources.meta import Condition, ObjectMeta, Part, Resource

IntOrString = int | str
Json = dict[str, Any]


class ObjectFieldSelector(Part):
    field_path: str
    api_version: str = "v1"


class KeySelector(Part):
    key: str
    name: str = ""
    optional: bool = False


class ResourceFieldSelector(Part):
    resource: str
    container_name: str = ""
    divisor: str | int = "1"


class EnvVarSource(Part):
    field_ref: ObjectFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None


class EnvVar(Part):
    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class LocalReference(Part):
    name: str = ""
    optional: bool = False


class EnvFromSource(Part):
    prefix: str = ""
    config_map_ref: LocalReference | None = None
    secret_ref: LocalReference | None = None


class ContainerPort(Part):
    container_port: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0
    host_ip: str = field(name="hostIP", default="")
    INERT: ClassVar = frozenset({"hostPort", "hostIP"})


class HTTPHeader(Part):
    name: str
    value: str = ""


class HTTPGetAction(Part):
    port: IntOrString
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: list[HTTPHeader] = []


class TCPSocketAction(Part):
    port: IntOrString
    host: str = ""


class ExecAction(Part):
    command: list[str] = []


class GRPCAction(Part):
    port: int
    service: str = ""


class SleepAction(Part):
    seconds: int


class Probe(Part):
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


class LifecycleHandler(Part):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Part):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str = ""


class ResourceRequirements(Part):
    limits: dict[str, str | int | float] = {}
    requests: dict[str, str | int | float] = {}
    claims: list[Json] = []


class VolumeMount(Part):
    name: str
    mount_path: str
    read_only: bool = False
    recursive_read_only: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""
    mount_propagation: str = ""


class SecurityContext(Part):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    privileged: bool | None = None
    proc_mount: str = ""
    capabilities: dict[str, list[str]] = {}
    seccomp_profile: Json = {}
    app_armor_profile: Json = {}
    se_linux_options: Json = {}
    windows_options: Json = {}


class Container(Part):
    name: str
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
    resize_policy: list[Json] = []
    restart_policy: str = ""
    restart_policy_rules: list[Json] = []
    security_context: SecurityContext | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    termination_message_path: str = ""
    termination_message_policy: str = ""
    volume_mounts: list[VolumeMount] = []
    volume_devices: list[Json] = []
    INERT: ClassVar = frozenset(
        {"imagePullPolicy", "resources", "resizePolicy", "restartPolicyRules", "securityContext", "stdin",
         "stdinOnce", "tty", "terminationMessagePath", "terminationMessagePolicy", "volumeMounts",
         "volumeDevices"}
    )  # fmt: skip


class Volume(Part):
    """A volume; its source is one of many, kept as Kubernetes has it."""

    name: str
    empty_dir: Json | None = None
    config_map: Json | None = None
    secret: Json | None = None
    projected: Json | None = None
    downward_api: Json | None = field(name="downwardAPI", default=None)
    host_path: Json | None = None
    persistent_volume_claim: Json | None = None
    csi: Json | None = None
    ephemeral: Json | None = None
    nfs: Json | None = None
    image: Json | None = None


class PodSpec(Part):
    containers: list[Container]
    init_containers: list[Container] = []
    ephemeral_containers: list[Json] = []
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    service_account_name: str = ""
    service_account: str = ""
    node_name: str = ""
    active_deadline_seconds: int | None = None
    affinity: Json | None = None
    automount_service_account_token: bool | None = None
    dns_config: Json | None = None
    dns_policy: str = ""
    enable_service_links: bool = True
    host_aliases: list[Json] = []
    host_ipc: bool = field(name="hostIPC", default=False)
    host_network: bool = False
    host_pid: bool = field(name="hostPID", default=False)
    host_users: bool | None = None
    hostname: str = ""
    hostname_override: str = ""
    image_pull_secrets: list[LocalReference] = []
    node_selector: dict[str, str] = {}
    os: Json | None = None
    overhead: Json | None = None
    preemption_policy: str = ""
    priority: int | None = None
    priority_class_name: str = ""
    readiness_gates: list[Json] = []
    resource_claims: list[Json] = []
    resources: ResourceRequirements | None = None
    runtime_class_name: str = ""
    scheduler_name: str = ""
    scheduling_gates: list[Json] = []
    security_context: Json | None = None
    set_hostname_as_fqdn: bool | None = field(name="setHostnameAsFQDN", default=None)
    share_process_namespace: bool | None = None
    subdomain: str = ""
    tolerations: list[Json] = []
    topology_spread_constraints: list[Json] = []
    volumes: list[Volume] = []
    INERT: ClassVar = frozenset(
        {"ephemeralContainers", "activeDeadlineSeconds", "affinity", "automountServiceAccountToken",
         "dnsConfig", "dnsPolicy", "hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostUsers",
         "hostname",
         "hostnameOverride", "imagePullSecrets", "nodeName", "nodeSelector", "os", "overhead",
         "preemptionPolicy", "priority", "priorityClassName", "readinessGates", "resourceClaims", "resources",
         "runtimeClassName", "schedulerName", "schedulingGates", "securityContext", "setHostnameAsFQDN",
         "shareProcessNamespace", "subdomain", "tolerations", "topologySpreadConstraints", "volumes"}
    )  # fmt: skip


class PodTemplateSpec(Part):
    spec: PodSpec
    metadata: ObjectMeta = field(default_factory=ObjectMeta)


class ContainerStatus(Part):
    name: str
    state: Json = {}
    last_state: Json = {}
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    image_id: str = field(name="imageID", default="")
    container_id: str = field(name="containerID", default="")


class PodStatus(Part):
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
    reason: str = ""
    message: str = ""
    observed_generation: int | None = None


class Pod(Resource):
    spec: PodSpec
    status: PodStatus = field(default_factory=PodStatus)
