"""Creates Jobs when a CronJob's schedule says so (Kubernetes' CronJob)."""

import copy
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.jobs.verdict import is_true
from mesh.pods.controllers.objects import Objects, owner_reference
from mesh.resources.checks.batch import zone_of
from mesh.resources.core.batch import CronJob, Job
from mesh.resources.validation.defaults import complete_job, fill_job
from mesh.resources.values import cron
from mesh.resources.values.body import Body
from mesh.resources.values.ref import CRON_JOB, JOB, Ref
from mesh.store import Conflict, Put, Stored

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
# The loop's timers count seconds while the machine is awake: after a laptop's sleep the clock has to be read again.
LONGEST_WAIT = 60.0

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class CronJobController(Controller):
    """Creates and removes Jobs, and writes CronJobs' status."""

    kind = CRON_JOB

    def __init__(self, objects: Objects, events: Recorder, clock: Clock = utc_now) -> None:
        super().__init__(objects)
        self._events = events
        self._clock = clock

    def reconcile(self, ref: Ref) -> None:
        """Removes Jobs beyond the history limits and creates the one that is due."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.body["metadata"].get("deletionTimestamp"):
            return
        cron_job: CronJob = stored.typed
        jobs = [owned for owned in self._objects.owned(stored.uid) if owned.ref.group_kind == JOB]
        self._note_endings(stored, jobs)
        self._forget_old(stored, cron_job, jobs)
        jobs = [job for job in jobs if self._objects.store.get(job.ref) is not None]
        scheduled: datetime | None = None
        if not cron_job.spec.suspend:
            scheduled, jobs = self._create_due(stored, cron_job, jobs)
        self._write_status(stored, jobs, scheduled)

    def orphaned(self, uid: str) -> None:
        """Removes the Jobs of a CronJob that is gone."""
        for job in self._objects.orphans(uid):
            self._objects.delete(job.ref)

    def _create_due(
        self, stored: Stored, cron_job: CronJob, jobs: list[Stored]
    ) -> tuple[datetime | None, list[Stored]]:
        """Creates the Job of the last time that is due. Returns that time, None without one, and the Jobs there are."""
        now, spec = self._clock(), cron_job.spec
        zone = zone_of(spec.time_zone) if spec.time_zone is not None else None
        schedule = cron.parse(spec.schedule)
        earliest = _time(cron_job.status.last_schedule_time) or _time(cron_job.metadata.creation_timestamp) or now
        if spec.starting_deadline_seconds is not None:
            earliest = max(earliest, now - timedelta(seconds=spec.starting_deadline_seconds))
        due = cron.most_recent(schedule, earliest, now, zone)
        following = schedule.next(now, zone)
        if following is not None:
            wait = (following - now).total_seconds()
            self.queue.add_after(stored.ref, max(0.05, min(wait, LONGEST_WAIT)))
        if due is None:
            return None, jobs
        active = [job for job in jobs if not _is_over(job)]
        if active and spec.concurrency_policy == "Forbid":
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._events.normal(stored, "JobAlreadyActive", message)
            return None, jobs
        if spec.concurrency_policy == "Replace":
            for job in active:
                self._remove(stored, job)
            jobs = [job for job in jobs if job not in active]
        return due, [*jobs, *self._create(stored, due, zone)]

    def _create(self, stored: Stored, due: datetime, zone: tzinfo | None) -> list[Stored]:
        """The new Job. Its name has the minute: whoever looks a second time finds that it exists."""
        ref = Ref(*JOB, stored.ref.namespace, f"{stored.ref.name}-{int(due.timestamp()) // 60}")
        uid = str(uuid.uuid4())
        try:
            (job,) = self._objects.commit([Put(ref, job_of(stored, ref, uid, due.astimezone(zone)), 0, uid)])
        except Conflict:
            return []
        self._events.normal(stored, "SuccessfulCreate", f"Created job {ref.name}")
        return [job]

    def _note_endings(self, stored: Stored, jobs: Sequence[Stored]) -> None:
        active = {entry.get("uid") for entry in (stored.body.get("status") or {}).get("active") or ()}
        for job in jobs:
            if job.uid in active and _is_over(job):
                condition = "Complete" if is_true(job.typed.status.conditions, "Complete") else "Failed"
                message = f"Saw completed job: {job.ref.name}, condition: {condition}"
                self._events.normal(stored, "SawCompletedJob", message)

    def _forget_old(self, stored: Stored, cron_job: CronJob, jobs: Sequence[Stored]) -> None:
        """Keeps the latest successful and failed Jobs only."""
        for type_, limit in (
            ("Complete", cron_job.spec.successful_jobs_history_limit),
            ("Failed", cron_job.spec.failed_jobs_history_limit),
        ):
            over = [job for job in jobs if is_true(job.typed.status.conditions, type_)]
            over.sort(key=lambda job: (job.typed.status.start_time or "", job.ref.name))
            for job in over[: max(0, len(over) - limit)]:
                self._remove(stored, job)

    def _remove(self, stored: Stored, job: Stored) -> None:
        self._objects.delete(job.ref)
        self._events.normal(stored, "SuccessfulDelete", f"Deleted job {job.ref.name}")

    def _write_status(self, stored: Stored, jobs: Sequence[Stored], scheduled: datetime | None) -> None:
        former = stored.body.get("status") or {}
        status: Body = {name: former[name] for name in ("lastScheduleTime", "lastSuccessfulTime") if name in former}
        if active := [_reference(job) for job in jobs if not _is_over(job)]:
            status["active"] = active
        if scheduled is not None:
            status["lastScheduleTime"] = scheduled.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ends = [job.typed.status.completion_time for job in jobs]
        if last := max((end for end in (*ends, status.get("lastSuccessfulTime")) if end), default=""):
            status["lastSuccessfulTime"] = last
        self._objects.set_status(stored.ref, status)


def job_of(cron_job: Stored, ref: Ref, uid: str, scheduled: datetime) -> Body:
    """The Job of a CronJob's template, with the defaults that the API would give it."""
    template: Body = copy.deepcopy(cron_job.body["spec"]["jobTemplate"])
    metadata = template.get("metadata") or {}
    body: Body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "annotations": {**(metadata.get("annotations") or {}), SCHEDULED: scheduled.isoformat(timespec="seconds")},
            **({"labels": metadata["labels"]} if metadata.get("labels") else {}),
            "ownerReferences": [owner_reference(cron_job)],
        },
        "spec": template["spec"],
        "status": {},
    }
    fill_job(body)
    complete_job(body, uid)
    return body


def _is_over(job: Stored) -> bool:
    typed: Job = job.typed
    return is_true(typed.status.conditions, "Complete") or is_true(typed.status.conditions, "Failed")


def _reference(job: Stored) -> Body:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job.ref.name,
        "namespace": job.ref.namespace,
        "uid": job.uid,
        "resourceVersion": str(job.version),
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
