"""The columns of Jobs and CronJobs say what a real cluster's would."""

from typing import Any

import pytest

from mesh.resources.columns import batch
from mesh.resources.values.body import Body
from tests.unit.mesh.resources.columns.test_core import shown


def conditions(*types: str) -> list[Body]:
    return [{"type": type_, "status": "True"} for type_ in types]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "Running"),
        ({"conditions": conditions("SuccessCriteriaMet")}, "SuccessCriteriaMet"),
        ({"conditions": conditions("SuccessCriteriaMet", "Complete")}, "Complete"),
        ({"conditions": conditions("FailureTarget", "Failed")}, "Failed"),
        ({"conditions": conditions("Suspended")}, "Suspended"),
    ],
)
def test_a_job_says_how_far_it_is(status: Body, state: str) -> None:
    assert shown(batch.JOB, status=status)["Status"] == state


@pytest.mark.parametrize(
    ("spec", "completions"),
    [
        ({"completions": 3, "parallelism": 2}, "1/3"),
        ({"parallelism": 1}, "1/1"),
        ({"parallelism": 4}, "1/1 of 4"),
    ],
)
def test_a_job_counts_completions(spec: dict[str, Any], completions: str) -> None:
    assert shown(batch.JOB, spec=spec, status={"succeeded": 1})["Completions"] == completions


def test_a_finished_job_has_a_duration() -> None:
    times = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:05Z"}
    assert shown(batch.JOB, status=times)["Duration"] == "65s"
    assert shown(batch.JOB)["Duration"] == ""


def test_a_cron_job_shows_its_schedule_and_what_runs() -> None:
    template = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}}
    spec = {"schedule": "*/5 * * * *", "suspend": False, "jobTemplate": template}
    assert shown(batch.CRON_JOB, spec=spec, status={"active": [{}]}) == {
        "Schedule": "*/5 * * * *",
        "Timezone": "<none>",
        "Suspend": "False",
        "Active": 1,
        "Last Schedule": "<none>",
        "Containers": "a",
        "Images": "b",
        "Selector": "<none>",
    }
