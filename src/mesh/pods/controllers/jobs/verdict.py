"""Whether a Job is over, and why (Kubernetes, "Job termination and cleanup"). Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mesh.pods.controllers.jobs.job_pods import JobPod
from mesh.pods.controllers.jobs.tally import Tally
from mesh.resources.core.batch import Job, SuccessPolicyRule
from mesh.resources.values import indexes
from mesh.resources.values.meta import Condition

CRITERION = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}
"""The condition that says that a Job is over, by the one that says that its last pod has ended, too."""


class Verdict(NamedTuple):
    """`type` is Complete or Failed."""

    type: str
    reason: str
    message: str


def is_true(conditions: Sequence[Condition], type_: str) -> bool:
    """Whether there is such a condition, and its status is True."""
    return any(condition.type == type_ and condition.status == "True" for condition in conditions)


def verdict(job: Job, count: Tally, pods: Sequence[JobPod], now: datetime) -> Verdict | None:
    """How the Job ends; None while it goes on. What has been decided once stays."""
    for type_, criterion in CRITERION.items():
        for condition in job.status.conditions:
            if condition.type == criterion and condition.status == "True":
                return Verdict(type_, condition.reason, condition.message)
    return _failure(job, count, pods, now) or _success(job, count, pods)


def deadline_in(job: Job, now: datetime) -> float | None:
    """Seconds until activeDeadlineSeconds are over; None without one, or while the Job does not run."""
    if job.spec.active_deadline_seconds is None or job.status.start_time is None or job.spec.suspend:
        return None
    passed = (now - datetime.fromisoformat(job.status.start_time)).total_seconds()
    return job.spec.active_deadline_seconds - passed


def _failure(job: Job, count: Tally, pods: Sequence[JobPod], now: datetime) -> Verdict | None:
    spec = job.spec
    if count.failing:
        return Verdict("Failed", "PodFailurePolicy", count.failing)
    if (count.newly_failed and count.failed > _limit(job)) or _restarted_too_often(job, pods):
        return Verdict("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    remaining = deadline_in(job, now)
    if remaining is not None and remaining <= 0:
        return Verdict("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
    if spec.max_failed_indexes is not None and len(count.failed_indexes) > spec.max_failed_indexes:
        message = "Job has exceeded the specified maximal number of failed indexes"
        return Verdict("Failed", "MaxFailedIndexesExceeded", message)
    if count.failed_indexes and len(count.failed_indexes) + len(count.completed) >= (spec.completions or 0):
        return Verdict("Failed", "FailedIndexes", "Job has failed indexes")
    return None


def _limit(job: Job) -> int:
    return 6 if job.spec.backoff_limit is None else job.spec.backoff_limit


def _restarted_too_often(job: Job, pods: Sequence[JobPod]) -> bool:
    """With OnFailure containers are restarted in place: their restarts count instead of failed pods."""
    if job.spec.template.spec.restart_policy != "OnFailure":
        return False
    restarts = sum(pod.restarts for pod in pods if pod.phase in ("Running", "Pending"))
    return restarts > 0 if _limit(job) == 0 else restarts >= _limit(job)


def _success(job: Job, count: Tally, pods: Sequence[JobPod]) -> Verdict | None:
    reached = Verdict("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
    for number, rule in enumerate(job.spec.success_policy.rules if job.spec.success_policy is not None else ()):
        if _is_met(rule, count, job.spec.completions or 0):
            return Verdict("Complete", "SuccessPolicy", f"Matched rules at index {number}")
    if job.spec.completions is None:
        # A work queue: one success says that the queue is empty, the other pods finish what they have.
        over = count.succeeded > 0 and not any(pod.active for pod in pods)
        return reached if over else None
    return reached if count.succeeded >= job.spec.completions else None


def _is_met(rule: SuccessPolicyRule, count: Tally, completions: int) -> bool:
    eligible = indexes.parse(rule.succeeded_indexes, completions) if rule.succeeded_indexes else range(completions)
    succeeded = len(count.completed.intersection(eligible))
    return succeeded >= (len(eligible) if rule.succeeded_count is None else rule.succeeded_count)
