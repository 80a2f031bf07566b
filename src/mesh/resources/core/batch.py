"""Job and CronJob (Kubernetes batch/v1)."""

from msgspec import field

from mesh.resources.core.pod import Json, PodSpec, PodTemplateSpec
from mesh.resources.values.meta import Condition, LabelSelector, ObjectMeta, Part, Resource

CONTROLLER_UID, JOB_NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
GENERATED_LABELS = frozenset({CONTROLLER_UID, JOB_NAME, "controller-uid", "job-name"})
"""The labels that the API writes into a Job's pod template, so that its selector finds its own pods only."""


class PodFailurePolicyOnExitCodes(Part, frozen=True):
    """`operator` is In or NotIn; without a container's name every container counts."""

    operator: str = ""
    values: list[int] = []
    container_name: str = ""


class PodFailurePolicyOnPodCondition(Part, frozen=True):
    type: str = ""
    status: str = "True"


class PodFailurePolicyRule(Part, frozen=True):
    """`action` is FailJob, FailIndex, Ignore or Count."""

    action: str = ""
    on_exit_codes: PodFailurePolicyOnExitCodes | None = None
    on_pod_conditions: list[PodFailurePolicyOnPodCondition] = []


class PodFailurePolicy(Part, frozen=True):
    """The first rule that matches a failed pod decides."""

    rules: list[PodFailurePolicyRule] = []


class SuccessPolicyRule(Part, frozen=True):
    """`succeeded_indexes` is a list such as "0,2-4"."""

    succeeded_indexes: str = ""
    succeeded_count: int | None = None


class SuccessPolicy(Part, frozen=True):
    rules: list[SuccessPolicyRule] = []


def _no_template() -> PodTemplateSpec:
    return PodTemplateSpec(spec=PodSpec(containers=[]))


class JobSpec(Part, frozen=True):
    """Times are seconds. Without `completions` one success is enough, and it ends the other pods' work."""

    template: PodTemplateSpec = field(default_factory=_no_template)
    parallelism: int | None = None
    completions: int | None = None
    completion_mode: str = "NonIndexed"
    active_deadline_seconds: int | None = None
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    pod_replacement_policy: str = ""
    success_policy: SuccessPolicy | None = None
    selector: LabelSelector | None = None
    manual_selector: bool = False
    ttl_seconds_after_finished: int | None = None
    suspend: bool = False
    managed_by: str | None = None
    scheduling: Json | None = None


class UncountedTerminatedPods(Part, frozen=True):
    """Uids of pods that have ended and are not counted yet."""

    succeeded: list[str] = []
    failed: list[str] = []


class JobStatus(Part, frozen=True):
    conditions: list[Condition] = []
    start_time: str | None = None
    completion_time: str | None = None
    active: int = 0
    ready: int = 0
    terminating: int = 0
    succeeded: int = 0
    failed: int = 0
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None


class Job(Resource, frozen=True):
    spec: JobSpec = field(default_factory=JobSpec)
    status: JobStatus = field(default_factory=JobStatus)


class JobTemplateSpec(Part, frozen=True):
    spec: JobSpec = field(default_factory=JobSpec)
    metadata: ObjectMeta = field(default_factory=ObjectMeta)


class CronJobSpec(Part, frozen=True):
    """`schedule` is a cron expression of five fields, a macro such as @daily, or "@every 1h"."""

    schedule: str = ""
    job_template: JobTemplateSpec = field(default_factory=JobTemplateSpec)
    time_zone: str | None = None
    concurrency_policy: str = "Allow"
    starting_deadline_seconds: int | None = None
    successful_jobs_history_limit: int = 3
    failed_jobs_history_limit: int = 1
    suspend: bool = False


class CronJobStatus(Part, frozen=True):
    active: list[Json] = []
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


class CronJob(Resource, frozen=True):
    spec: CronJobSpec = field(default_factory=CronJobSpec)
    status: CronJobStatus = field(default_factory=CronJobStatus)
