"""What a Job or CronJob can get wrong by itself, and what may not change in it (Kubernetes' batch validation)."""

import re
from collections.abc import Iterator
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from mesh.resources.checks.pod import check_template
from mesh.resources.core.batch import (
    CONTROLLER_UID,
    GENERATED_LABELS,
    CronJob,
    Job,
    JobSpec,
    PodFailurePolicyOnExitCodes,
    PodFailurePolicyRule,
    SuccessPolicyRule,
)
from mesh.resources.core.pod import PodTemplateSpec
from mesh.resources.values import cron, indexes
from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.names import none_of
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]

# The name of a Job becomes a label's value, the name of a CronJob gets "-" and ten digits in the names of its Jobs.
LONGEST_JOB_NAME, LONGEST_CRON_JOB_NAME = 63, 52
MOST_RULES, MOST_EXIT_CODES = 20, 255
MOST_INDEXES, MOST_PARALLEL_INDEXES = 100_000, 10_000
ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def check_job(job: Job) -> Errors:
    """Everything wrong with a Job by itself."""
    if len(job.metadata.name) > LONGEST_JOB_NAME:
        yield FieldError(
            "spec.template.labels",
            f'"{job.metadata.name[:80]}" becomes a label of the pods: at most {LONGEST_JOB_NAME} characters',
        )
    if job.spec.selector is not None and not job.spec.manual_selector and not _is_generated(job.spec.selector):
        yield FieldError("spec.selector", "is generated; leave it out, or set manualSelector")
    if job.spec.selector is None and job.spec.manual_selector:
        yield required("spec.selector", "is missing; manualSelector needs one")
    yield from _job_spec(job.spec, "spec")


def check_job_update(old: Job, new: Job) -> Errors:
    """The pods' template, their number to complete and how they are counted stay as they are."""
    suspended = old.spec.suspend and old.status.start_time is None
    for name, path in (
        ("completion_mode", "completionMode"),
        ("pod_failure_policy", "podFailurePolicy"),
        ("backoff_limit_per_index", "backoffLimitPerIndex"),
        ("success_policy", "successPolicy"),
        ("managed_by", "managedBy"),
    ):
        if getattr(old.spec, name) != getattr(new.spec, name):
            yield FieldError(f"spec.{path}", "field is immutable")
    # An Indexed Job may grow and shrink, as long as each index can still have a pod of its own.
    elastic = new.spec.completion_mode == "Indexed" and new.spec.completions == new.spec.parallelism
    if old.spec.completions != new.spec.completions and not elastic:
        yield FieldError("spec.completions", "field is immutable")
    if new.spec.selector is not None and old.spec.selector != new.spec.selector:
        yield FieldError("spec.selector", "field is immutable")
    # Suspended and not begun yet: a queue may still say where the pods run.
    fixed = _unscheduled if suspended else _without_generated
    if fixed(old.spec.template) != fixed(new.spec.template):
        yield FieldError("spec.template.spec", "field is immutable; delete the Job and create it again")


def check_cron_job(cron_job: CronJob) -> Errors:
    """Everything wrong with a CronJob by itself."""
    spec = cron_job.spec
    if len(cron_job.metadata.name) > LONGEST_CRON_JOB_NAME:
        yield FieldError("metadata.name", f"must be no more than {LONGEST_CRON_JOB_NAME} characters")
    yield from _schedule(spec.schedule)
    if spec.time_zone is not None and (wrong := _wrong_zone(spec.time_zone)):
        yield FieldError("spec.timeZone", wrong)
    yield from none_of(spec.concurrency_policy, ("Allow", "Forbid", "Replace"), "spec.concurrencyPolicy")
    if spec.starting_deadline_seconds is not None:
        yield from _not_negative(spec.starting_deadline_seconds, "spec.startingDeadlineSeconds")
    yield from _not_negative(spec.successful_jobs_history_limit, "spec.successfulJobsHistoryLimit")
    yield from _not_negative(spec.failed_jobs_history_limit, "spec.failedJobsHistoryLimit")
    if spec.job_template.spec.manual_selector:
        yield FieldError("spec.jobTemplate.spec.manualSelector", "cannot be used in a CronJob")
    yield from _job_spec(spec.job_template.spec, "spec.jobTemplate.spec")


@cache
def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name. Raises ValueError."""
    if not ZONE_NAME.fullmatch(name):
        raise ValueError(f'"{name[:80]}" is not the name of a time zone')
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"unknown time zone {name[:80]}") from None


def _wrong_zone(name: str) -> str:
    # "Local" would be another time on every machine.
    if name.lower() == "local":
        return "is not the name of a time zone: leave it out for the clock of this machine"
    try:
        zone_of(name)
    except ValueError as error:
        return str(error)
    return ""


def _schedule(text: str) -> Errors:
    if not text:
        yield required("spec.schedule", "is missing")
    elif "TZ" in text:
        yield FieldError("spec.schedule", "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    else:
        try:
            cron.parse(text)
        except ValueError as error:
            yield FieldError("spec.schedule", str(error))


def _job_spec(spec: JobSpec, base: str) -> Errors:
    for name, number in (
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    ):
        if number is not None:
            yield from _not_negative(number, f"{base}.{name}")
    yield from none_of(spec.completion_mode, ("NonIndexed", "Indexed"), f"{base}.completionMode")
    yield from _indexed(spec, base) if spec.completion_mode == "Indexed" else _not_indexed(spec, base)
    if spec.pod_failure_policy is not None:
        yield from _failure_policy(spec, base)
    if spec.success_policy is not None:
        yield from _success_policy(spec, base)
    yield from check_template(spec.template, f"{base}.template")
    if spec.template.spec.restart_policy not in ("OnFailure", "Never"):
        yield required(f"{base}.template.spec.restartPolicy", "is required: OnFailure or Never")


def _indexed(spec: JobSpec, base: str) -> Errors:
    if spec.completions is None:
        yield required(f"{base}.completions", "is missing; completionMode Indexed needs it")
        return
    if spec.max_failed_indexes is not None:
        if spec.backoff_limit_per_index is None:
            yield required(f"{base}.backoffLimitPerIndex", "is missing; maxFailedIndexes needs it")
        elif spec.max_failed_indexes > spec.completions:
            yield FieldError(f"{base}.maxFailedIndexes", f"{spec.max_failed_indexes} is above completions")
    if (spec.parallelism or 0) > MOST_INDEXES:
        yield FieldError(f"{base}.parallelism", f"{spec.parallelism} is above {MOST_INDEXES}")


def _not_indexed(spec: JobSpec, base: str) -> Errors:
    for name, value in (
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
        ("successPolicy", spec.success_policy),
    ):
        if value is not None:
            yield FieldError(f"{base}.{name}", "needs completionMode Indexed")


def _failure_policy(spec: JobSpec, base: str) -> Errors:
    assert spec.pod_failure_policy is not None
    path = f"{base}.podFailurePolicy"
    # Containers that are restarted in place never fail their pod.
    if spec.template.spec.restart_policy == "OnFailure":
        yield FieldError(f"{base}.template.spec.restartPolicy", "must be Never for podFailurePolicy")
    if len(spec.pod_failure_policy.rules) > MOST_RULES:
        yield FieldError(f"{path}.rules", f"has {len(spec.pod_failure_policy.rules)} rules; at most {MOST_RULES}")
    template = spec.template.spec
    containers = {container.name for container in (*template.containers, *template.init_containers)}
    for number, rule in enumerate(spec.pod_failure_policy.rules):
        yield from _failure_rule(rule, f"{path}.rules[{number}]", spec, containers)


def _failure_rule(rule: PodFailurePolicyRule, path: str, spec: JobSpec, containers: set[str]) -> Errors:
    yield from none_of(rule.action, ("FailJob", "FailIndex", "Ignore", "Count"), f"{path}.action")
    if rule.action == "FailIndex" and spec.backoff_limit_per_index is None:
        yield FieldError(f"{path}.action", "FailIndex needs backoffLimitPerIndex")
    if (rule.on_exit_codes is None) == (not rule.on_pod_conditions):
        yield FieldError(path, "needs exactly one of onExitCodes, onPodConditions")
    if rule.on_exit_codes is not None:
        yield from _exit_codes(rule.on_exit_codes, f"{path}.onExitCodes", containers)
    for number, condition in enumerate(rule.on_pod_conditions):
        where = f"{path}.onPodConditions[{number}]"
        if not condition.type:
            yield required(f"{where}.type", "is missing")
        yield from none_of(condition.status, ("True", "False", "Unknown"), f"{where}.status")


def _exit_codes(codes: PodFailurePolicyOnExitCodes, path: str, containers: set[str]) -> Errors:
    yield from none_of(codes.operator, ("In", "NotIn"), f"{path}.operator")
    if codes.container_name and codes.container_name not in containers:
        yield FieldError(f"{path}.containerName", f'"{codes.container_name[:80]}" is not a container of the pod')
    if not 0 < len(codes.values) <= MOST_EXIT_CODES:
        yield FieldError(f"{path}.values", f"has {len(codes.values)} exit codes; 1-{MOST_EXIT_CODES} are allowed")
    if codes.values != sorted(set(codes.values)):
        yield FieldError(f"{path}.values", "must ascend, without duplicates")
    if codes.operator == "In" and 0 in codes.values:
        yield FieldError(f"{path}.values[{codes.values.index(0)}]", "0 is not the exit code of a failure")


def _success_policy(spec: JobSpec, base: str) -> Errors:
    assert spec.success_policy is not None
    path = f"{base}.successPolicy.rules"
    if not 0 < len(spec.success_policy.rules) <= MOST_RULES:
        yield FieldError(path, f"has {len(spec.success_policy.rules)} rules; 1-{MOST_RULES} are allowed")
    for number, rule in enumerate(spec.success_policy.rules):
        yield from _success_rule(rule, f"{path}[{number}]", spec.completions or 0)


def _success_rule(rule: SuccessPolicyRule, path: str, completions: int) -> Errors:
    if not rule.succeeded_indexes and rule.succeeded_count is None:
        yield FieldError(path, "needs succeededIndexes, succeededCount or both")
        return
    most = completions
    if rule.succeeded_indexes:
        try:
            most = len(indexes.parse(rule.succeeded_indexes, completions))
        except ValueError as error:
            yield FieldError(f"{path}.succeededIndexes", str(error))
            return
    if rule.succeeded_count is not None and not 0 < rule.succeeded_count <= most:
        yield FieldError(f"{path}.succeededCount", f"{rule.succeeded_count} is not in 1-{most}")


def _not_negative(number: int, path: str) -> Errors:
    if number < 0:
        yield FieldError(path, f"{number} is below 0")


def _is_generated(selector: LabelSelector) -> bool:
    return not selector.match_expressions and selector.match_labels.keys() == {CONTROLLER_UID}


def _unscheduled(template: PodTemplateSpec) -> object:
    """A template but for what says where its pods run."""
    return msgspec.structs.replace(template.spec, node_selector={}, affinity=None, tolerations=[], scheduling_gates=[])


def _without_generated(template: PodTemplateSpec) -> object:
    """A template but for the labels that the API generates: a client that repeats its manifest has none of them."""
    labels = {key: value for key, value in template.metadata.labels.items() if key not in GENERATED_LABELS}
    return template.spec, labels, template.metadata.annotations
