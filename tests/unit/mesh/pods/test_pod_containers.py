"""Init containers, sidecars and pods that end, with real processes: what runs when, and what the pod's status says."""

from pathlib import Path
from typing import Any

from mesh.resources.columns.pods import POD, pod_state
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.ref import Ref
from tests.support.yard import Yard, pod, shell

FOREVER = "while :; do sleep 0.05; done"


def init(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "none", "command": list(shell(script)), **more}


def shown(yard: Yard, ref: Ref, title: str = "Status") -> str:
    """A cell of `kubectl get pods`."""
    body = yard.get(ref)
    assert body is not None
    (column,) = [column for column in POD if column.name == title]
    return str(column.cell(body))


def status(yard: Yard, ref: Ref) -> dict[str, Any]:
    shown: dict[str, Any] = (yard.get(ref) or {}).get("status") or {}
    return shown


async def test_a_pod_says_how_many_init_containers_are_over(yard: Yard, tmp_path: Path) -> None:
    wait = "while [ ! -e {} ]; do sleep 0.02; done"
    spec = {"initContainers": [init(name, wait.format(tmp_path / name)) for name in ("one", "two")]}
    ref = yard.put(pod("staged", "sleep", "60", spec=spec))
    await yard.until(lambda: shown(yard, ref) == "Init:0/2")
    first, second = status(yard, ref)["initContainerStatuses"]
    await yard.until(lambda: "running" in status(yard, ref)["initContainerStatuses"][0]["state"])
    first, second = status(yard, ref)["initContainerStatuses"]
    assert (first["ready"], second["ready"]) == (False, False)
    assert second["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert yard.container(ref)["state"] == {"waiting": {"reason": "PodInitializing"}}
    (tmp_path / "one").touch()
    await yard.until(lambda: shown(yard, ref) == "Init:1/2")
    assert status(yard, ref)["initContainerStatuses"][0]["ready"] is True
    condition = find_condition(status(yard, ref)["conditions"], "Initialized")
    assert condition is not None
    assert condition["message"] == "containers with incomplete status: [two]"
    (tmp_path / "two").touch()
    await yard.until(lambda: shown(yard, ref) == "Running")
    assert shown(yard, ref, "Ready") == "1/1"


async def test_an_init_container_that_fails_is_restarted_and_counted(yard: Yard) -> None:
    ref = yard.put(pod("stuck", "sleep", "60", spec={"initContainers": [init("check", "echo no; exit 4")]}))
    await yard.until(lambda: shown(yard, ref) == "Init:CrashLoopBackOff")
    await yard.until(lambda: status(yard, ref)["initContainerStatuses"][0]["restartCount"] >= 2)
    assert shown(yard, ref, "Restarts").split()[0] != "0"
    assert status(yard, ref)["phase"] == "Pending"
    assert yard.container(ref)["restartCount"] == 0


async def test_an_init_container_that_fails_for_good_fails_the_pod(yard: Yard) -> None:
    spec = {"restartPolicy": "Never", "initContainers": [init("check", "exit 4")]}
    ref = yard.put(pod("stuck", "sleep", "60", spec=spec))
    await yard.until(lambda: yard.phase(ref) == "Failed")
    assert shown(yard, ref) == "Init:Error"
    await yard.until(lambda: yard.manager.count == 0)


async def test_sidecars_start_before_the_others_and_end_after_them(yard: Yard, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    loop = "trap 'echo end-{0} >> {1}; exit 0' TERM; echo begin-{0} >> {1}; touch {1}.{0}; " + FOREVER
    started = {"exec": {"command": ["test", "-e", f"{trace}.b"]}}
    sidecars = [
        init("a", loop.format("a", trace), restartPolicy="Always"),
        init("b", loop.format("b", trace), restartPolicy="Always", startupProbe=started),
    ]
    ref = yard.put(pod("meshed", *shell(loop.format("main", trace)), spec={"initContainers": sidecars}))
    await yard.until(lambda: yard.ready(ref) and trace.exists() and "begin-main" in trace.read_text())
    assert shown(yard, ref, "Ready") == "3/3"
    yard.end(ref, 20)
    await yard.until(lambda: yard.get(ref) is None)
    assert trace.read_text().split() == ["begin-a", "begin-b", "begin-main", "end-main", "end-b", "end-a"]


async def test_a_sidecar_that_ends_is_restarted(yard: Yard, tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/second || {{ touch {tmp_path}/second; exit 0; }}; {FOREVER}"
    spec = {"initContainers": [init("proxy", script, restartPolicy="Always")]}
    ref = yard.put(pod("meshed", "sleep", "60", spec=spec))
    await yard.until(lambda: shown(yard, ref, "Restarts").startswith("1 "))
    await yard.until(lambda: shown(yard, ref) == "Running" and shown(yard, ref, "Ready") == "2/2")


async def test_a_pod_that_takes_too_long_is_ended(yard: Yard) -> None:
    ref = yard.put(pod("slow", "sleep", "60", spec={"activeDeadlineSeconds": 1}))
    await yard.until(lambda: yard.phase(ref) == "Failed")
    assert status(yard, ref)["reason"] == "DeadlineExceeded"
    body = yard.get(ref)
    assert body is not None
    assert pod_state(body) == "Error"


async def test_a_finished_pod_stays_and_occupies_nothing(yard: Yard) -> None:
    ref = yard.put(pod("once", "echo", "said", spec={"restartPolicy": "Never"}))
    await yard.until(lambda: yard.phase(ref) == "Succeeded" and yard.manager.count == 0)
    assert await yard.log(ref) == "said\n"
    assert shown(yard, ref) == "Completed"
    yard.end(ref, 0)
    await yard.until(lambda: yard.get(ref) is None)


async def test_a_container_that_fails_its_probe_says_how(yard: Yard) -> None:
    probe = {"exec": {"command": ["sh", "-c", "echo not yet; exit 1"]}, "periodSeconds": 1}
    ref = yard.put(pod("late", "sleep", "60", readinessProbe=probe))

    def message() -> str:
        condition = find_condition(status(yard, ref).get("conditions"), "Ready")
        return str((condition or {}).get("message", ""))

    await yard.until(lambda: "container main: Readiness probe failed" in message())
    assert "not yet" in message()


async def test_a_pod_with_a_finalizer_stays_until_it_is_released(yard: Yard) -> None:
    body = pod("kept", "sleep", "60")
    body["metadata"]["finalizers"] = ["example.com/keep"]
    ref = yard.put(body)
    await yard.until(lambda: yard.ready(ref))
    yard.end(ref, 0)
    await yard.until(lambda: yard.phase(ref) == "Failed" and yard.manager.count == 0)
    yard.change(ref, lambda stored: stored["metadata"].pop("finalizers"))
    await yard.until(lambda: yard.get(ref) is None)


async def test_an_ephemeral_container_runs_once_beside_the_others(yard: Yard) -> None:
    ref = yard.put(pod("served", "sleep", "60"))
    await yard.until(lambda: yard.ready(ref))
    shell_command = {"name": "shell", "image": "none", "command": list(shell("echo $HOSTNAME; exit 3"))}
    yard.change(ref, lambda body: body["spec"].update(ephemeralContainers=[shell_command]))

    def ended() -> Any:
        entries = status(yard, ref).get("ephemeralContainerStatuses") or [{}]
        return entries[0].get("state", {}).get("terminated")

    assert (await yard.until(ended))["exitCode"] == 3
    assert await yard.log(ref, "shell") == "served\n"
    # It has no say in how the pod is.
    assert yard.ready(ref)
    assert yard.phase(ref) == "Running"


async def test_a_shell_that_waits_for_nobody_does_not_delay_the_pods_end(yard: Yard) -> None:
    ref = yard.put(pod("served", "sleep", "60", spec={"terminationGracePeriodSeconds": 600}))
    await yard.until(lambda: yard.ready(ref))
    patient = {"name": "shell", "image": "none", "command": list(shell(f"trap '' TERM; {FOREVER}"))}
    yard.change(ref, lambda body: body["spec"].update(ephemeralContainers=[patient]))
    await yard.until(lambda: "running" in str(status(yard, ref).get("ephemeralContainerStatuses")))
    yard.end(ref, 600)
    await yard.until(lambda: yard.get(ref) is None)
