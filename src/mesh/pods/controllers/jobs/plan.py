"""What to do for a Job now: pods to create and to end, and its status. Pure: the caller passes the time.

Each finished pod is counted once: it keeps the finalizer `TRACKING` until the status counts it, and the controller
writes both in one commit. So neither a lost event nor a killed daemon has a Job do its work twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from mesh.pods.controllers.jobs.job_pods import JobPod
from mesh.pods.controllers.jobs.tally import Tally, failures_of, tally
from mesh.pods.controllers.jobs.verdict import CRITERION, Verdict, deadline_in, is_true, verdict
from mesh.resources.core.batch import Job
from mesh.resources.values import indexes
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition

MOST_DOUBLINGS = 16


class Pauses(NamedTuple):
    """Seconds before a failed pod is replaced: the first pause, doubled with each further failure up to the longest."""

    first: float
    longest: float


class NewPod(NamedTuple):
    """A pod to create; `completion_index` is None in a Job without indexes."""

    completion_index: int | None
    failures: int = 0


class Note(NamedTuple):
    """An event to record."""

    kind: str
    reason: str
    message: str


@dataclass(slots=True)
class Plan:
    """`release` are pods that lose `TRACKING`, those in `end` included; `again`: seconds until another look."""

    status: Body
    create: list[NewPod] = field(default_factory=list)
    end: list[JobPod] = field(default_factory=list)
    release: list[JobPod] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    again: float | None = None
    delete: bool = False


def plan(job: Job, status: Body, pods: Sequence[JobPod], now: datetime, pauses: Pauses) -> Plan:
    """Works out the next step; `status` is the Job's as it is stored."""
    if is_true(job.status.conditions, "Complete") or is_true(job.status.conditions, "Failed"):
        return _after(job, status, pods, now)
    count = tally(job, pods)
    ending = verdict(job, count, pods, now)
    if ending is not None:
        return _finish(job, status, count, ending, pods, now)
    return _suspend(job, status, count, pods, now) if job.spec.suspend else _run(job, status, count, pods, now, pauses)


def _after(job: Job, status: Body, pods: Sequence[JobPod], now: datetime) -> Plan:
    """The Job is over: nothing is counted any more, and it goes when ttlSecondsAfterFinished are over."""
    next_step = Plan(
        status,
        end=[pod for pod in pods if pod.active],
        release=[pod for pod in pods if pod.tracked],
    )
    if job.spec.ttl_seconds_after_finished is not None:
        finish = next(c for c in job.status.conditions if c.type in CRITERION and c.status == "True")
        passed = (now - datetime.fromisoformat(str(finish.last_transition_time))).total_seconds()
        remaining = job.spec.ttl_seconds_after_finished - passed
        next_step.delete, next_step.again = remaining <= 0, max(0.0, remaining)
    return next_step


def _finish(job: Job, status: Body, count: Tally, ending: Verdict, pods: Sequence[JobPod], now: datetime) -> Plan:
    """Ends what still runs. Complete or Failed comes only when the last pod has ended."""
    running = [pod for pod in pods if not pod.finished]
    # Of a Job that fails, whatever was still under way has failed; `tracked`: it is not counted yet.
    lost = sum(pod.tracked for pod in running) if ending.type == "Failed" else 0
    conditions = _with(status, CRITERION[ending.type], "True", ending.reason, ending.message, now)
    notes: list[Note] = []
    if not running:
        conditions = _with({"conditions": conditions}, ending.type, "True", ending.reason, ending.message, now)
        completed = Note("Normal", "Completed", "Job completed")
        notes = [completed if ending.type == "Complete" else Note("Warning", ending.reason, ending.message)]
    written = _status(
        job, replace(count, failed=count.failed + lost), conditions, active=0, ready=0, terminating=len(running)
    )
    written["startTime"] = status.get("startTime") or _text(now)
    if not running and ending.type == "Complete":
        written["completionTime"] = _text(now)
    return Plan(
        written,
        end=[pod for pod in running if pod.active],
        release=[pod for pod in pods if pod.tracked],
        notes=notes,
    )


def _suspend(job: Job, status: Body, count: Tally, pods: Sequence[JobPod], now: datetime) -> Plan:
    """Ends the active pods. They count neither as failed nor as succeeded: they lose `TRACKING` at once."""
    active = [pod for pod in pods if pod.active]
    terminating = sum(not pod.finished for pod in pods)
    conditions = _with(status, "Suspended", "True", "JobSuspended", "Job suspended", now)
    written = _status(job, count, conditions, active=0, ready=0, terminating=terminating)
    if "startTime" in status:
        written["startTime"] = status["startTime"]
    fresh = not is_true(job.status.conditions, "Suspended")
    notes = [Note("Normal", "Suspended", "Job suspended")] if fresh else []
    counted = [pod for pod in pods if pod.tracked and pod.finished]
    return Plan(written, end=active, release=[*active, *counted], notes=notes)


def _run(job: Job, status: Body, count: Tally, pods: Sequence[JobPod], now: datetime, pauses: Pauses) -> Plan:
    conditions = [*(status.get("conditions") or ())]
    notes: list[Note] = []
    start = status.get("startTime") or _text(now)
    if is_true(job.status.conditions, "Suspended"):
        conditions = _with(status, "Suspended", "False", "JobResumed", "Job resumed", now)
        notes.append(Note("Normal", "Resumed", "Job resumed"))
        # The deadline counts from here: nothing ran meanwhile.
        start = _text(now)
    active = [pod for pod in pods if pod.active]
    surplus = _surplus(job, count, active)
    staying = [pod for pod in active if pod not in surplus]
    terminating = [pod for pod in pods if pod.terminating and not pod.finished]
    # With Failed, a pod is replaced only when it has ended: at no time do more run than parallelism says.
    occupied = staying if job.spec.pod_replacement_policy != "Failed" else [*staying, *terminating]
    create, wait = _missing(job, count, occupied, pods, now, pauses)
    written = _status(
        job,
        count,
        conditions,
        active=len(staying) + len(create),
        ready=sum(pod.ready for pod in staying),
        terminating=len(terminating) + len(surplus),
    )
    written["startTime"] = start
    times = [time for time in (wait, deadline_in(job, now)) if time is not None]
    if job.spec.active_deadline_seconds is not None and not times:
        times = [float(job.spec.active_deadline_seconds)]
    counted = [pod for pod in pods if pod.tracked and pod.finished]
    again = min(times, default=None)
    return Plan(written, create=create, end=surplus, release=[*surplus, *counted], notes=notes, again=again)


def _remaining(job: Job, count: Tally, active: int) -> int:
    """How many pods should run."""
    parallelism = 1 if job.spec.parallelism is None else job.spec.parallelism
    if job.spec.completions is None:
        # A work queue that is empty: nobody is sent to it any more.
        return min(active, parallelism) if count.succeeded else parallelism
    return max(0, min(parallelism, job.spec.completions - count.succeeded - len(count.failed_indexes)))


def _surplus(job: Job, count: Tally, active: Sequence[JobPod]) -> list[JobPod]:
    """Pods that are too many: those of indexes that need none first, then those that have come least far."""
    needless: list[JobPod] = []
    if job.spec.completion_mode == "Indexed":
        taken: set[int | None] = set()
        over = count.completed | count.failed_indexes
        for pod in active:
            index = pod.index
            if index is None or index >= (job.spec.completions or 0) or index in over or index in taken:
                needless.append(pod)
            taken.add(index)
    others = sorted((pod for pod in active if pod not in needless), key=lambda pod: (pod.ready, pod.phase == "Running"))
    excess = len(others) - _remaining(job, count, len(active))
    return [*needless, *others[: max(0, excess)]]


def _missing(
    job: Job, count: Tally, occupied: Sequence[JobPod], pods: Sequence[JobPod], now: datetime, pauses: Pauses
) -> tuple[list[NewPod], float | None]:
    """The pods to create now, and the seconds until a pod that has failed may be replaced."""
    number = _remaining(job, count, len(occupied)) - len(occupied)
    if number <= 0:
        return [], None
    if job.spec.completion_mode != "Indexed":
        wait = _pause(pods, now, pauses)
        return ([], wait) if wait > 0 else ([NewPod(None)] * number, None)
    taken = {pod.index for pod in occupied} | count.completed | count.failed_indexes
    free = [index for index in range(job.spec.completions or 0) if index not in taken]
    # With a limit for each index, one that keeps failing does not hold up the others.
    alone = job.spec.backoff_limit_per_index is not None
    waits = {index: _pause([p for p in pods if p.index == index] if alone else pods, now, pauses) for index in free}
    due = [NewPod(index, failures_of(index, pods)) for index in free if waits[index] <= 0][:number]
    later = [wait for wait in waits.values() if wait > 0]
    return due, min(later, default=None) if len(due) < number else None


def _pause(pods: Sequence[JobPod], now: datetime, pauses: Pauses) -> float:
    """Seconds until another pod may follow those that have failed since the last success; 0 or less: now."""
    never = datetime.min.replace(tzinfo=UTC)
    success = max((pod.ended_at or never for pod in pods if pod.phase == "Succeeded"), default=never)
    failures = [pod.ended_at or never for pod in pods if pod.phase == "Failed" and (pod.ended_at or never) >= success]
    if not failures:
        return 0.0
    pause = min(pauses.longest, pauses.first * 2.0 ** min(len(failures) - 1, MOST_DOUBLINGS))
    return pause - (now - max(failures)).total_seconds()


def _with(status: Body, type_: str, value: str, reason: str, message: str, now: datetime) -> list[Body]:
    """The conditions with one that is new or has turned; one that says the same stays as it was."""
    conditions = [*(status.get("conditions") or ())]
    former = find_condition(conditions, type_)
    if former is not None and former["status"] == value:
        return conditions
    fresh = {
        "type": type_,
        "status": value,
        "lastProbeTime": _text(now),
        "lastTransitionTime": _text(now),
        "reason": reason,
        "message": message,
    }
    return [*(condition for condition in conditions if condition is not former), fresh]


def _status(job: Job, count: Tally, conditions: Sequence[Body], *, active: int, ready: int, terminating: int) -> Body:
    """A Job's status, without its times. Counters that are 0 are left out, as Kubernetes does."""
    written: Body = {"conditions": list(conditions)} if conditions else {}
    counters = {"active": active, "succeeded": count.succeeded, "failed": count.failed}
    written.update({name: number for name, number in counters.items() if number})
    written.update(ready=ready, terminating=terminating, uncountedTerminatedPods={})
    if count.completed:
        written["completedIndexes"] = indexes.text_of(count.completed)
    if job.spec.backoff_limit_per_index is not None:
        written["failedIndexes"] = indexes.text_of(count.failed_indexes)
    return written


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
