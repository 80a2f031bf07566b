"""CronJobs with a clock of the test's own: when Jobs are created, replaced and removed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.jobs.cron_jobs import SCHEDULED, CronJobController
from mesh.pods.controllers.objects import Objects
from mesh.resources.validation.manifest import validate
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store, Stored

BEGIN = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


class Calendar:
    """A store with CronJobs, and a clock that the test sets."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.store = Store.open(None, now=lambda: self.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        objects = Objects(self.store)
        self.controller = CronJobController(objects, Recorder(objects, 100), lambda: self.now)

    def put(self, **spec: Any) -> Ref:
        container = {"name": "main", "image": "i", "command": ["true"]}
        template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        body = {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "tick", "namespace": "mesh"},
            "spec": {
                "schedule": "* * * * *",
                "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": template}},
                **spec,
            },
        }
        valid = validate(body)
        self.store.commit([Put(valid.ref, valid.body, 0)])
        self.controller.reconcile(valid.ref)
        return valid.ref

    def pass_(self, ref: Ref, **time: float) -> None:
        self.now += timedelta(**time)
        self.controller.reconcile(ref)

    def jobs(self) -> list[str]:
        return [job.ref.name for job in self._jobs()]

    def finish(self, name: str, type_: str = "Complete") -> None:
        (job,) = [job for job in self._jobs() if job.ref.name == name]
        moment = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": type_, "status": "True", "lastTransitionTime": moment}
        status = {"conditions": [condition], "startTime": moment}
        if type_ == "Complete":
            status["completionTime"] = moment
        self.store.commit([Put(job.ref, {**job.body, "status": status})])
        # As the manager does for every event.
        self.controller._objects.load()

    def _jobs(self) -> list[Stored]:
        return self.store.list("batch", "Job", "mesh")

    def status(self, ref: Ref) -> dict[str, Any]:
        stored = self.store.get(ref)
        assert stored is not None
        status: dict[str, Any] = stored.body.get("status") or {}
        return status

    def reasons(self) -> list[str]:
        return [event.body["reason"] for event in self.store.list("", "Event", "mesh")]


@pytest.fixture
async def calendar() -> AsyncIterator[Calendar]:
    calendar = Calendar()
    yield calendar
    calendar.controller.queue.close()
    calendar.store.close()


def name_at(moment: str) -> str:
    return f"tick-{int(datetime.fromisoformat(moment).timestamp()) // 60}"


async def test_a_job_is_created_when_it_is_due_and_only_once(calendar: Calendar) -> None:
    ref = calendar.put()
    assert calendar.jobs() == []
    calendar.pass_(ref, seconds=29)
    assert calendar.jobs() == []
    calendar.pass_(ref, seconds=1)
    calendar.pass_(ref, seconds=1)
    assert calendar.jobs() == [name_at("2026-01-01T12:01:00Z")]
    (job,) = calendar.store.list("batch", "Job", "mesh")
    assert job.metadata["labels"] == {"a": "b"}
    assert job.metadata["annotations"][SCHEDULED].startswith("2026-01-01T")
    assert job.body["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": job.uid}
    assert job.body["spec"]["backoffLimit"] == 6
    status = calendar.status(ref)
    assert status["lastScheduleTime"] == "2026-01-01T12:01:00Z"
    assert [entry["name"] for entry in status["active"]] == calendar.jobs()


async def test_of_many_missed_times_only_the_last_one_is_made_up_for(calendar: Calendar) -> None:
    ref = calendar.put(schedule="*/10 * * * *")
    calendar.pass_(ref, days=3, minutes=5)
    assert calendar.jobs() == [name_at("2026-01-04T12:00:00Z")]


async def test_what_is_too_late_is_left_out(calendar: Calendar) -> None:
    ref = calendar.put(schedule="0 * * * *", startingDeadlineSeconds=60)
    calendar.pass_(ref, hours=1, seconds=31)
    assert calendar.jobs() == []
    calendar.pass_(ref, minutes=59)
    assert calendar.jobs() == [name_at("2026-01-01T14:00:00Z")]


async def test_the_schedule_means_the_clock_of_its_time_zone(calendar: Calendar) -> None:
    ref = calendar.put(schedule="0 15 * * *", timeZone="Europe/Berlin")
    calendar.pass_(ref, hours=2)
    assert calendar.jobs() == [name_at("2026-01-01T14:00:00Z")]
    (job,) = calendar.store.list("batch", "Job", "mesh")
    assert job.metadata["annotations"][SCHEDULED] == "2026-01-01T15:00:00+01:00"


async def test_with_forbid_nothing_is_started_beside_a_job_that_runs(calendar: Calendar) -> None:
    ref = calendar.put(concurrencyPolicy="Forbid")
    calendar.pass_(ref, seconds=30)
    first = calendar.jobs()
    calendar.pass_(ref, minutes=1)
    assert calendar.jobs() == first
    assert "JobAlreadyActive" in calendar.reasons()
    calendar.finish(first[0])
    calendar.pass_(ref, seconds=1)
    assert len(calendar.jobs()) == 2


async def test_with_replace_the_new_job_takes_the_place_of_the_old_one(calendar: Calendar) -> None:
    ref = calendar.put(concurrencyPolicy="Replace")
    calendar.pass_(ref, seconds=30)
    calendar.pass_(ref, minutes=1)
    assert calendar.jobs() == [name_at("2026-01-01T12:02:00Z")]
    assert [entry["name"] for entry in calendar.status(ref)["active"]] == calendar.jobs()


async def test_with_allow_jobs_run_side_by_side(calendar: Calendar) -> None:
    ref = calendar.put()
    calendar.pass_(ref, seconds=30)
    calendar.pass_(ref, minutes=1)
    assert len(calendar.jobs()) == 2


async def test_only_the_latest_jobs_are_kept(calendar: Calendar) -> None:
    ref = calendar.put(successfulJobsHistoryLimit=1, failedJobsHistoryLimit=1)
    for type_ in ("Complete", "Failed", "Complete", "Failed"):
        calendar.pass_(ref, minutes=1)
        calendar.finish(calendar.jobs()[-1], type_)
    calendar.pass_(ref, seconds=0)
    assert calendar.jobs() == [name_at(f"2026-01-01T12:0{minute}:00Z") for minute in (3, 4)]
    assert calendar.status(ref)["lastSuccessfulTime"] == "2026-01-01T12:03:30Z"
    assert "SawCompletedJob" in calendar.reasons()


async def test_a_suspended_cron_job_creates_nothing(calendar: Calendar) -> None:
    ref = calendar.put(suspend=True)
    calendar.pass_(ref, hours=1)
    assert calendar.jobs() == []


async def test_the_jobs_of_a_cron_job_that_is_gone_are_removed(calendar: Calendar) -> None:
    ref = calendar.put()
    calendar.pass_(ref, seconds=30)
    stored = calendar.store.get(ref)
    assert stored is not None
    calendar.controller.orphaned(stored.uid)
    assert calendar.jobs() == []
