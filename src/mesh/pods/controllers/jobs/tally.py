"""How far a Job is: the pods that have succeeded and failed so far, each counted once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from mesh.pods.controllers.jobs.failures import consequence
from mesh.pods.controllers.jobs.job_pods import JobPod
from mesh.resources.core.batch import Job
from mesh.resources.values import indexes


@dataclass(frozen=True, slots=True)
class Tally:
    """`failing` says why the Job must fail at once ("" when it need not); `newly_failed`: a pod was just counted."""

    succeeded: int
    failed: int
    completed: frozenset[int] = frozenset()
    failed_indexes: frozenset[int] = frozenset()
    newly_failed: bool = False
    failing: str = ""


def tally(job: Job, pods: Sequence[JobPod]) -> Tally:
    """What the status says already, and the finished pods that it does not count yet (`JobPod.tracked`)."""
    indexed = job.spec.completion_mode == "Indexed"
    below = job.spec.completions or 0
    completed = set(indexes.parse(job.status.completed_indexes, below)) if indexed else set()
    failed_indexes = set(indexes.parse(job.status.failed_indexes or "", below)) if indexed else set()
    succeeded, failed, failing = job.status.succeeded, job.status.failed, ""
    for pod in pods:
        if not (pod.tracked and pod.finished):
            continue
        # Completions may have been lowered meanwhile.
        if indexed and (pod.index is None or pod.index >= below):
            continue
        if pod.phase == "Succeeded":
            succeeded += 1
            completed.update(() if pod.index is None else (pod.index,))
            continue
        what = consequence(job.spec.pod_failure_policy, pod)
        if what.action == "FailJob":
            failing = failing or what.message
        failed += what.action != "Ignore"
        limit = job.spec.backoff_limit_per_index
        if pod.index is not None and (
            what.action == "FailIndex"
            or (what.action == "Count" and limit is not None and pod.earlier_failures >= limit)
        ):
            failed_indexes.add(pod.index)
    return Tally(
        succeeded=len(completed) if indexed else succeeded,
        failed=failed,
        completed=frozenset(completed),
        # A pod of the index may have succeeded after all.
        failed_indexes=frozenset(failed_indexes - completed),
        newly_failed=failed > job.status.failed,
        failing=failing,
    )


def failures_of(index: int, pods: Sequence[JobPod]) -> int:
    """How many pods of an index have failed."""
    return max((pod.earlier_failures + 1 for pod in pods if pod.index == index and pod.phase == "Failed"), default=0)
