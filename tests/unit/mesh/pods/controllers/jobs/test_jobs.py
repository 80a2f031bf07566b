"""Jobs with real processes: completions, failures, deadlines, suspension, and what their status says."""

from pathlib import Path
from typing import Any

import pytest

from mesh.pods.controllers.jobs.job_pods import INDEX, TRACKING
from mesh.resources.validation.defaults import complete_job
from mesh.resources.validation.manifest import validate
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.yard import FAST, Yard, shell, yard_of

UID = "00000000-0000-4000-8000-000000000001"


def job(name: str, script: str, *, restart: str = "Never", pod: dict[str, Any] | None = None, **spec: Any) -> Any:
    """A Job whose pods run a shell script."""
    container = {"name": "main", "image": "none", "command": list(shell(script))}
    template = {"spec": {"restartPolicy": restart, "containers": [container], **(pod or {})}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {"template": template, **spec},
    }


def put(yard: Yard, body: dict[str, Any]) -> Ref:
    """Stores a Job as the API does."""
    valid = validate(body, "mesh")
    complete_job(valid.body, UID)
    yard.store.commit([Put(valid.ref, valid.body, 0, UID)])
    return valid.ref


def status(yard: Yard, ref: Ref) -> dict[str, Any]:
    shown: dict[str, Any] = (yard.get(ref) or {}).get("status") or {}
    return shown


def reason(yard: Yard, ref: Ref, type_: str) -> str:
    condition = find_condition(status(yard, ref).get("conditions"), type_)
    return str(condition["reason"]) if condition is not None and condition["status"] == "True" else ""


async def test_a_job_runs_its_pod_once_and_is_complete(yard: Yard) -> None:
    ref = put(yard, job("migrate", "echo migrated"))
    assert await yard.until(lambda: reason(yard, ref, "Complete")) == "CompletionsReached"
    (pod,) = yard.pods()
    assert pod.ref.name.startswith("migrate-")
    assert pod.body["status"]["phase"] == "Succeeded"
    assert pod.metadata["labels"]["batch.kubernetes.io/job-name"] == "migrate"
    assert pod.metadata["labels"]["batch.kubernetes.io/controller-uid"] == UID
    assert "finalizers" not in pod.metadata
    assert await yard.log(pod.ref) == "migrated\n"
    shown = status(yard, ref)
    assert (shown["succeeded"], shown["ready"], shown["terminating"]) == (1, 0, 0)
    assert {"startTime", "completionTime"} <= shown.keys()
    assert not {"active", "failed"} & shown.keys()
    assert [c["type"] for c in shown["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert [e["message"] for e in yard.events("Completed")] == ["Job completed"]
    # What it occupied is free again, although pod and log stay.
    await yard.until(lambda: yard.manager.count == 0)


async def test_the_pods_of_a_job_have_the_defaults_of_pods(yard: Yard) -> None:
    ref = put(yard, job("fox", "true"))
    await yard.until(lambda: status(yard, ref).get("succeeded") == 1)
    (pod,) = yard.store.list("", "Pod")
    spec = pod.body["spec"]
    assert (spec["serviceAccountName"], spec["enableServiceLinks"]) == ("default", True)
    assert [toleration["key"] for toleration in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]


async def test_no_more_pods_run_at_once_than_parallelism_says(yard: Yard, tmp_path: Path) -> None:
    script = f"""
        mine=`mktemp {tmp_path}/running.XXXXXX`
        ls {tmp_path} | grep -c running >> {tmp_path}/counts
        sleep 0.2; rm $mine
    """
    ref = put(yard, job("many", script, completions=5, parallelism=2))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    counts = [int(line) for line in (tmp_path / "counts").read_text().split()]
    assert len(counts) == 5
    assert max(counts) <= 2
    assert status(yard, ref)["succeeded"] == 5


async def test_an_indexed_job_does_each_index_once(yard: Yard, tmp_path: Path) -> None:
    script = f"echo $JOB_COMPLETION_INDEX >> {tmp_path}/indexes"
    ref = put(yard, job("parts", script, completions=4, parallelism=4, completionMode="Indexed"))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    assert sorted((tmp_path / "indexes").read_text().split()) == ["0", "1", "2", "3"]
    assert status(yard, ref)["completedIndexes"] == "0-3"
    pods = {pod.metadata["annotations"][INDEX]: pod for pod in yard.pods()}
    assert pods["2"].ref.name.startswith("parts-2-")
    assert pods["2"].body["spec"]["hostname"] == "parts-2"


async def test_a_job_that_keeps_failing_stops_at_its_backoff_limit(yard: Yard) -> None:
    ref = put(yard, job("broken", "exit 3", backoffLimit=2))
    assert await yard.until(lambda: reason(yard, ref, "Failed")) == "BackoffLimitExceeded"
    assert status(yard, ref)["failed"] == 3
    assert len(yard.pods()) == 3
    assert reason(yard, ref, "FailureTarget") == "BackoffLimitExceeded"
    assert [e["type"] for e in yard.events("BackoffLimitExceeded")] == ["Warning"]


async def test_a_failed_pod_is_replaced_and_the_job_succeeds(yard: Yard, tmp_path: Path) -> None:
    ref = put(yard, job("flaky", f"test -e {tmp_path}/second && exit 0; touch {tmp_path}/second; exit 1"))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    assert (status(yard, ref)["succeeded"], status(yard, ref)["failed"]) == (1, 1)


async def test_with_on_failure_the_container_is_restarted_in_its_pod(yard: Yard, tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/second && exit 0; touch {tmp_path}/second; exit 1"
    ref = put(yard, job("flaky", script, restart="OnFailure"))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    (pod,) = yard.pods()
    assert pod.body["status"]["containerStatuses"][0]["restartCount"] == 1
    assert "failed" not in status(yard, ref)


async def test_restarts_count_against_the_backoff_limit(yard: Yard) -> None:
    ref = put(yard, job("broken", "exit 1", restart="OnFailure", backoffLimit=1))
    assert await yard.until(lambda: reason(yard, ref, "Failed")) == "BackoffLimitExceeded"
    await yard.until(lambda: not yard.pods())


async def test_a_job_that_takes_too_long_is_ended(yard: Yard) -> None:
    ref = put(yard, job("slow", "sleep 600", activeDeadlineSeconds=1))
    assert await yard.until(lambda: reason(yard, ref, "Failed")) == "DeadlineExceeded"
    await yard.until(lambda: not yard.pods())
    assert status(yard, ref)["failed"] == 1


async def test_the_pod_failure_policy_says_what_an_exit_code_means(yard: Yard) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    ref = put(yard, job("strict", "exit 42", podFailurePolicy={"rules": [rule]}))
    assert await yard.until(lambda: reason(yard, ref, "Failed")) == "PodFailurePolicy"
    (pod,) = yard.pods()
    condition = find_condition(status(yard, ref)["conditions"], "Failed")
    assert condition is not None
    assert condition["message"] == (
        f"Container main for pod mesh/{pod.ref.name} failed with exit code 42 matching FailJob rule at index 0"
    )


async def test_an_ignored_failure_does_not_count(yard: Yard, tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/second && exit 0; touch {tmp_path}/second; exit 7"
    rule = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [7]}}
    ref = put(yard, job("lenient", script, backoffLimit=0, podFailurePolicy={"rules": [rule]}))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    assert "failed" not in status(yard, ref)


async def test_an_index_that_keeps_failing_does_not_hold_up_the_others(yard: Yard) -> None:
    body = job(
        "parts",
        "test $JOB_COMPLETION_INDEX != 1",
        completions=3,
        parallelism=3,
        completionMode="Indexed",
        backoffLimitPerIndex=1,
    )
    ref = put(yard, body)
    assert await yard.until(lambda: reason(yard, ref, "Failed")) == "FailedIndexes"
    shown = status(yard, ref)
    assert (shown["completedIndexes"], shown["failedIndexes"], shown["failed"]) == ("0,2", "1", 2)


async def test_a_suspended_job_has_no_pods_until_it_is_resumed(yard: Yard) -> None:
    ref = put(yard, job("later", "exit 0", suspend=True))
    assert await yard.until(lambda: reason(yard, ref, "Suspended")) == "JobSuspended"
    assert not yard.pods()
    assert "startTime" not in status(yard, ref)
    yard.change(ref, lambda body: body["spec"].update(suspend=False))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    resumed = find_condition(status(yard, ref)["conditions"], "Suspended")
    assert resumed is not None
    assert (resumed["status"], resumed["reason"]) == ("False", "JobResumed")


async def test_suspending_ends_the_pods_without_counting_them(yard: Yard) -> None:
    ref = put(yard, job("later", "sleep 600", backoffLimit=0))
    await yard.until(lambda: status(yard, ref).get("ready") == 1)
    yard.change(ref, lambda body: body["spec"].update(suspend=True))
    await yard.until(lambda: not yard.pods())
    assert reason(yard, ref, "Suspended") == "JobSuspended"
    assert not {"active", "failed"} & status(yard, ref).keys()


async def test_a_finished_job_is_removed_after_its_time_to_live(yard: Yard) -> None:
    ref = put(yard, job("brief", "exit 0", ttlSecondsAfterFinished=1))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    await yard.until(lambda: yard.get(ref) is None)
    await yard.until(lambda: not yard.pods())


async def test_a_pod_that_a_user_deletes_is_counted_and_replaced(yard: Yard) -> None:
    ref = put(yard, job("steady", "sleep 600"))
    await yard.until(lambda: status(yard, ref).get("ready") == 1)
    (first,) = yard.pods()
    assert first.metadata["finalizers"] == [TRACKING]
    yard.end(first.ref, 0)
    await yard.until(lambda: status(yard, ref).get("failed") == 1)
    await yard.until(lambda: [pod.ref.name for pod in yard.pods()] not in ([], [first.ref.name]))


async def test_deleting_a_job_ends_its_pods(yard: Yard) -> None:
    ref = put(yard, job("steady", "sleep 600"))
    await yard.until(lambda: status(yard, ref).get("ready") == 1)
    yard.delete(ref)
    await yard.until(lambda: not yard.pods())


async def test_a_sidecar_ends_after_the_work_and_the_job_is_complete(yard: Yard) -> None:
    sidecar = {
        "name": "proxy",
        "image": "none",
        "restartPolicy": "Always",
        "command": list(shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")),
    }
    ref = put(yard, job("meshed", "echo done", pod={"initContainers": [sidecar]}))
    await yard.until(lambda: reason(yard, ref, "Complete"))
    (pod,) = yard.pods()
    assert pod.body["status"]["phase"] == "Succeeded"
    assert "terminated" in pod.body["status"]["initContainerStatuses"][0]["state"]
    assert (await yard.log(pod.ref, "proxy")).splitlines()[-1] == "bye"


@pytest.mark.parametrize("script", ["sleep 600", "exit 0"])
async def test_a_mesh_that_was_stopped_does_not_do_finished_work_again(home: Path, script: str, tmp_path: Path) -> None:
    body = job("once", f"echo run >> {tmp_path}/runs; test -e {tmp_path}/again && exit 0; {script}")
    path = home / "store.db"
    async with yard_of(home, FAST, path) as yard:
        ref = put(yard, body)
        if script == "exit 0":
            await yard.until(lambda: reason(yard, ref, "Complete"))
        else:
            await yard.until(lambda: status(yard, ref).get("ready") == 1)
    (tmp_path / "again").touch()
    async with yard_of(home, FAST, path) as yard:
        await yard.until(lambda: reason(yard, ref, "Complete"))
        await yard.manager.idle()
        runs = (tmp_path / "runs").read_text().split()
        # What was interrupted has failed, as on a node that shuts down; what was complete stays so.
        assert len(runs) == (1 if script == "exit 0" else 2)
        assert status(yard, ref).get("failed", 0) == len(runs) - 1
        assert await yard.log(max(yard.pods(), key=lambda pod: pod.version).ref) == ""
