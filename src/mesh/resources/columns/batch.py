"""The columns of Job and CronJob: the same as on a real cluster (pkg/printers/internalversion)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mesh.resources.columns.column import NONE, Column, labels_text, since, spec, status, with_name_and_age
from mesh.resources.columns.core import of_containers
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.durations import human_duration

STATES = (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended"))
ENDING = (("FailureTarget", "FailureTarget"), ("SuccessCriteriaMet", "SuccessCriteriaMet"))


def _state(job: Mapping[str, Any]) -> str:
    conditions = status(job).get("conditions")
    for type_, word in STATES:
        condition = find_condition(conditions, type_)
        if condition is not None and condition["status"] == "True":
            return word
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for type_, word in ENDING:
        condition = find_condition(conditions, type_)
        if condition is not None and condition["status"] == "True":
            return word
    return "Running"


def _completions(job: Mapping[str, Any]) -> str:
    succeeded = status(job).get("succeeded", 0)
    completions, parallelism = spec(job).get("completions"), spec(job).get("parallelism") or 0
    if completions is not None:
        return f"{succeeded}/{completions}"
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(job: Mapping[str, Any]) -> str:
    start, end = status(job).get("startTime"), status(job).get("completionTime")
    if start is None:
        return ""
    until = datetime.fromisoformat(end) if end is not None else datetime.now(UTC)
    return human_duration((until - datetime.fromisoformat(start)).total_seconds())


def _of_job_template(cron_job: Mapping[str, Any], field: str) -> str:
    return of_containers(spec(cron_job).get("jobTemplate") or {}, field)


JOB = with_name_and_age(
    Column("Status", _state),
    Column("Completions", _completions),
    Column("Duration", _duration),
    Column("Containers", lambda b: of_containers(b, "name"), wide=True),
    Column("Images", lambda b: of_containers(b, "image"), wide=True),
    Column("Selector", lambda b: labels_text((spec(b).get("selector") or {}).get("matchLabels")), wide=True),
)

CRON_JOB = with_name_and_age(
    Column("Schedule", lambda b: spec(b).get("schedule", "")),
    Column("Timezone", lambda b: spec(b).get("timeZone") or NONE),
    Column("Suspend", lambda b: str(bool(spec(b).get("suspend")))),
    Column("Active", lambda b: len(status(b).get("active") or []), "integer"),
    Column(
        "Last Schedule", lambda b: since(status(b)["lastScheduleTime"]) if status(b).get("lastScheduleTime") else NONE
    ),
    Column("Containers", lambda b: _of_job_template(b, "name"), wide=True),
    Column("Images", lambda b: _of_job_template(b, "image"), wide=True),
    Column("Selector", lambda b: NONE, wide=True),
)
