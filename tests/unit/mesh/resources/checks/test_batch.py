"""Jobs and CronJobs: what is rejected, and at which field."""

from typing import Any

import msgspec
import pytest

from mesh.resources.checks.batch import check_job_update
from mesh.resources.core.batch import Job
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid

CONTAINERS = [{"name": "main", "image": "i"}]
INDEXED: dict[str, Any] = {"completionMode": "Indexed", "completions": 3}


def job(*, restart: str = "Never", name: str = "j", **spec: Any) -> dict[str, Any]:
    template = {"spec": {"restartPolicy": restart, "containers": CONTAINERS}}
    metadata = {"name": name, "namespace": "mesh"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template, **spec}}


def cron_job(*, name: str = "c", **spec: Any) -> dict[str, Any]:
    body = job(name=name)
    return {**body, "kind": "CronJob", "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": body["spec"]}, **spec}}


def wrong_fields(body: dict[str, Any]) -> list[str]:
    try:
        validate(body)
    except Invalid as error:
        return [problem.path for problem in error.errors]
    return []


def policy(**rule: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [rule]}}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (job(), []),
        (job(restart="Always"), ["spec.template.spec.restartPolicy"]),
        (job(name="a" * 64), ["spec.template.labels"]),
        (job(parallelism=-1, completions=-1), ["spec.parallelism", "spec.completions"]),
        (job(ttlSecondsAfterFinished=-1), ["spec.ttlSecondsAfterFinished"]),
        (job(completionMode="Some"), ["spec.completionMode"]),
        (job(completionMode="Indexed", parallelism=1), ["spec.completions"]),
        (job(backoffLimitPerIndex=1), ["spec.backoffLimitPerIndex"]),
        (job(**INDEXED, maxFailedIndexes=1), ["spec.backoffLimitPerIndex"]),
        (job(**INDEXED, maxFailedIndexes=4, backoffLimitPerIndex=1), ["spec.maxFailedIndexes"]),
        (job(manualSelector=True), ["spec.selector"]),
        (job(selector={"matchLabels": {"a": "b"}}), ["spec.selector"]),
        (
            job(**policy(action="Fail", onExitCodes={"operator": "In", "values": [1]})),
            ["spec.podFailurePolicy.rules[0].action"],
        ),
        (job(**policy(action="Ignore")), ["spec.podFailurePolicy.rules[0]"]),
        (
            job(**policy(action="FailJob", onExitCodes={"operator": "In", "values": [0]})),
            ["spec.podFailurePolicy.rules[0].onExitCodes.values[0]"],
        ),
        (
            job(**policy(action="FailJob", onExitCodes={"operator": "In", "values": [2, 1]})),
            ["spec.podFailurePolicy.rules[0].onExitCodes.values"],
        ),
        (
            job(**policy(action="FailJob", onExitCodes={"operator": "In", "values": [1], "containerName": "x"})),
            ["spec.podFailurePolicy.rules[0].onExitCodes.containerName"],
        ),
        (
            job(restart="OnFailure", **policy(action="Count", onPodConditions=[{"type": "DisruptionTarget"}])),
            ["spec.template.spec.restartPolicy"],
        ),
        (job(**INDEXED, successPolicy={"rules": [{}]}), ["spec.successPolicy.rules[0]"]),
        (
            job(**INDEXED, successPolicy={"rules": [{"succeededIndexes": "0-1", "succeededCount": 3}]}),
            ["spec.successPolicy.rules[0].succeededCount"],
        ),
        (cron_job(), []),
        (cron_job(schedule="@daily", timeZone="Europe/Berlin"), []),
        (cron_job(schedule=""), ["spec.schedule"]),
        (cron_job(schedule="TZ=UTC * * * * *"), ["spec.schedule"]),
        (cron_job(timeZone="Mars/Base"), ["spec.timeZone"]),
        (cron_job(timeZone="../../etc/passwd"), ["spec.timeZone"]),
        (cron_job(timeZone="Local"), ["spec.timeZone"]),
        (cron_job(concurrencyPolicy="Some"), ["spec.concurrencyPolicy"]),
        (cron_job(startingDeadlineSeconds=-1), ["spec.startingDeadlineSeconds"]),
        (cron_job(name="a" * 53), ["metadata.name"]),
    ],
)
def test_what_is_wrong_is_named_by_its_field(body: dict[str, Any], fields: list[str]) -> None:
    assert wrong_fields(body) == fields


def changed_fields(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    typed = [msgspec.convert(validate(body).body, Job) for body in (old, new)]
    return [error.path for error in check_job_update(*typed)]


def test_a_job_stays_what_it_is() -> None:
    assert changed_fields(job(), job()) == []
    assert changed_fields(job(), job(restart="OnFailure")) == ["spec.template.spec"]
    assert changed_fields(job(completions=2), job(completions=3)) == ["spec.completions"]
    assert changed_fields(job(), job(parallelism=0, suspend=True, backoffLimit=1, completions=1)) == []


def test_an_indexed_job_may_grow_together_with_its_parallelism() -> None:
    before = job(completionMode="Indexed", completions=2, parallelism=2)
    assert changed_fields(before, job(completionMode="Indexed", completions=4, parallelism=4)) == []
    assert changed_fields(before, job(completionMode="Indexed", completions=4, parallelism=2)) == ["spec.completions"]


def test_a_suspended_job_may_be_sent_elsewhere_but_runs_the_same() -> None:
    before, after = job(suspend=True), job(suspend=True)
    after["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "fast"}
    assert changed_fields(before, after) == []
    after["spec"]["template"]["spec"]["containers"] = [{"name": "main", "image": "other"}]
    assert changed_fields(before, after) == ["spec.template.spec"]
