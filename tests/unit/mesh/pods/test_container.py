"""Containers as real processes: how they start, end, start again, and are ended."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.pods.host.pod_processes import pod_processes
from mesh.procfs import start_time
from mesh.store import StoreError
from tests.support.yard import FAST, Yard, pod, shell, yard_of

SERVER = (
    "python",
    "-c",
    "import http.server as h, os; h.ThreadingHTTPServer((os.environ['HOST'], int(os.environ['PORT'])),"
    " h.SimpleHTTPRequestHandler).serve_forever()",
)


async def test_a_pod_runs_its_command_with_its_own_address(yard: Yard) -> None:
    ref = yard.put(pod("one", *shell("echo $HOST $POD_IP $HTTP_PROXY; exec sleep 60")))
    await yard.until(lambda: yard.ready(ref))
    body = yard.get(ref)
    assert body is not None
    ip = body["status"]["podIP"]
    assert body["status"]["phase"] == "Running"
    await yard.until(lambda: (yard.home / "logs/mesh/one/main/0.log").stat().st_size)
    assert await yard.log(ref) == f"{ip} {ip} http://{ip}:15001\n"


async def test_a_command_that_ends_well_and_is_not_to_be_restarted_has_succeeded(yard: Yard) -> None:
    ref = yard.put(pod("job", "true", spec={"restartPolicy": "Never"}))
    await yard.until(lambda: yard.phase(ref) == "Succeeded")
    assert yard.container(ref)["state"]["terminated"]["exitCode"] == 0
    assert yard.container(ref)["state"]["terminated"]["reason"] == "Completed"


async def test_a_command_that_fails_and_is_not_to_be_restarted_has_failed(yard: Yard) -> None:
    ref = yard.put(pod("job", *shell("exit 7"), spec={"restartPolicy": "Never"}))
    await yard.until(lambda: yard.phase(ref) == "Failed")
    assert yard.container(ref)["state"]["terminated"]["exitCode"] == 7


async def test_a_container_that_dies_at_once_is_in_crash_loop_with_its_last_words(yard: Yard) -> None:
    ref = yard.put(pod("bad", *shell("echo cannot find the database; exit 3")))
    waiting = await yard.until(
        lambda: (
            yard.container(ref).get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
            and yard.container(ref)["state"]["waiting"]
        )
    )
    assert "cannot find the database" in waiting["message"]
    assert yard.container(ref)["lastState"]["terminated"]["exitCode"] == 3
    await yard.until(lambda: yard.container(ref).get("restartCount", 0) >= 3)
    assert "cannot find the database" in await yard.log(ref, previous=True)
    assert yard.events("BackOff")[0]["count"] >= 2


async def test_a_command_that_does_not_exist_is_named(yard: Yard) -> None:
    ref = yard.put(pod("typo", "no-such-program"))
    waiting = await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    assert '"no-such-program"' in waiting
    assert yard.container(ref)["state"]["waiting"]["reason"] == "CreateContainerError"
    assert yard.phase(ref) == "Pending"


async def test_a_container_without_a_command_says_how_to_mend_it(yard: Yard) -> None:
    ref = yard.put(pod("image-only"))
    message = await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    assert yard.container(ref)["state"]["waiting"]["reason"] == "ErrImageNeverPull"
    assert 'spec.containers[name="main"].command' in message


async def test_a_missing_config_map_is_waited_for(yard: Yard) -> None:
    env = [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}}]
    ref = yard.put(pod("configured", *shell("echo $COLOUR; exec sleep 60"), env=env))
    message = await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message"))
    assert message == 'configmap "settings" not found'
    yard.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}})
    await yard.until(lambda: yard.ready(ref))


async def test_init_containers_run_in_their_order_before_the_others(yard: Yard) -> None:
    trace = yard.home / "trace"
    init = [
        {"name": n, "image": "none", "command": ["sh", "-c", f"sleep 0.05; echo {n} >> {trace}"]} for n in ("a", "b")
    ]
    ref = yard.put(pod("staged", *shell(f"echo main >> {trace}; exec sleep 60"), spec={"initContainers": init}))
    await yard.until(lambda: yard.ready(ref))
    await yard.until(lambda: trace.read_text().split() == ["a", "b", "main"])


async def test_a_deleted_pod_is_not_ready_first_then_envoy_is_awaited_then_it_ends(yard: Yard) -> None:
    ref = yard.put(pod("gone", *shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.02; done")))
    await yard.until(lambda: yard.ready(ref))
    seen = []
    watch = yard.store.watch("", "Pod")
    yard.end(ref, 30)
    await yard.until(lambda: yard.get(ref) is None)
    async with watch:
        async for event in watch:
            conditions = event.object.body["status"]["conditions"]
            seen.append((event.type, next(c["status"] for c in conditions if c["type"] == "Ready")))
            if event.type == "DELETED":
                break
    assert ("MODIFIED", "False") in seen
    assert len(yard.settled) == 1
    assert not (yard.home / "logs/mesh/gone").exists()


async def test_who_does_not_heed_sigterm_is_killed_after_the_grace(yard: Yard) -> None:
    ref = yard.put(pod("deaf", *shell("trap '' TERM; while :; do sleep 0.02; done")))
    await yard.until(lambda: yard.ready(ref))
    yard.end(ref, 1)
    await yard.until(lambda: yard.get(ref) is None)
    assert list(pod_processes(yard.home)) == []


async def test_children_of_a_container_end_with_it_also_those_that_left_its_session(yard: Yard) -> None:
    ref = yard.put(pod("parent", *shell("sleep 61 & setsid sleep 62 & exec sleep 63")))
    await yard.until(lambda: len(list(pod_processes(yard.home))) == 3)
    yard.end(ref, 5)
    await yard.until(lambda: yard.get(ref) is None)
    assert list(pod_processes(yard.home)) == []


async def test_a_pre_stop_hook_runs_before_sigterm(yard: Yard) -> None:
    trace = yard.home / "trace"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo hook >> {trace}"]}}}
    script = f"trap 'echo term >> {trace}; exit 0' TERM; echo up >> {trace}; while :; do sleep 0.02; done"
    ref = yard.put(pod("hooked", *shell(script), lifecycle=hook))
    await yard.until(trace.exists)
    yard.end(ref, 10)
    await yard.until(lambda: yard.get(ref) is None)
    assert trace.read_text().split() == ["up", "hook", "term"]


async def test_readiness_comes_from_an_http_probe_by_the_name_of_a_port(yard: Yard) -> None:
    probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 60}
    ports = [{"name": "web", "containerPort": 7000}]
    ref = yard.put(pod("web", *SERVER, ports=ports, readinessProbe=probe))
    await yard.until(lambda: yard.ready(ref))


async def test_without_a_probe_a_pod_is_ready_once_it_listens(yard: Yard) -> None:
    flag = yard.home / "go"
    script = f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)\n{SERVER[2]}"
    ref = yard.put(pod("late", *SERVER[:2], script, ports=[{"name": "web", "containerPort": 7000}]))
    await yard.until(lambda: "running" in yard.container(ref).get("state", {}))
    assert yard.container(ref)["started"]
    assert not yard.ready(ref)
    flag.touch()
    await yard.until(lambda: yard.ready(ref))


async def test_a_port_that_nobody_listens_at_keeps_a_pod_from_being_ready_for_a_while_only(tmp_path: Path) -> None:
    async with yard_of(tmp_path, replace(FAST, first_checks_for=0.2)) as yard:
        ports = [{"containerPort": 7000}, {"containerPort": 7001, "protocol": "UDP"}]
        ref = yard.put(pod("mute", "sleep", "60", ports=ports))
        await yard.until(lambda: yard.ready(ref))


@pytest.mark.parametrize("probe", [{}, {"readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1}}])
async def test_a_pod_whose_process_is_stopped_is_not_ready_until_it_goes_on(
    yard: Yard, probe: dict[str, object]
) -> None:
    ref = yard.put(pod("web", *SERVER, ports=[{"containerPort": 7000}], **probe))
    await yard.until(lambda: yard.ready(ref))
    pid = int(yard.container(ref)["containerID"].removeprefix("mesh://"))
    os.kill(pid, signal.SIGSTOP)
    await yard.until(lambda: not yard.ready(ref))
    assert yard.container(ref)["restartCount"] == 0
    assert any("stopped (SIGSTOP)" in event["message"] for event in yard.events("Unhealthy"))
    os.kill(pid, signal.SIGCONT)
    await yard.until(lambda: yard.ready(ref))


async def test_a_full_disk_loses_no_status(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals: list[object] = []

    def refuse(changes: object) -> None:
        refusals.append(changes)
        raise StoreError("database or disk is full")

    flag = yard.home / "go"
    probe = {"exec": {"command": ["test", "-e", str(flag)]}}
    ref = yard.put(pod("web", "sleep", "60", readinessProbe=probe))
    await yard.until(lambda: "running" in yard.container(ref).get("state", {}))
    with monkeypatch.context() as patch:
        patch.setattr(yard.store, "commit", refuse)
        flag.touch()
        # Its only change, and a second attempt.
        await yard.until(lambda: len(refusals) > 3)
    await yard.until(lambda: yard.ready(ref))


async def test_readiness_that_is_lost_is_shown_and_comes_back(yard: Yard) -> None:
    flag = yard.home / "ready"
    flag.touch()
    probe = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1, "failureThreshold": 1}
    ref = yard.put(pod("flag", "sleep", "60", readinessProbe=probe))
    await yard.until(lambda: yard.ready(ref))
    flag.unlink()
    await yard.until(lambda: not yard.ready(ref))
    assert yard.container(ref)["restartCount"] == 0
    flag.touch()
    await yard.until(lambda: yard.ready(ref))


async def test_a_container_that_fails_its_liveness_probe_is_started_again(yard: Yard) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    ref = yard.put(pod("sick", "sleep", "60", livenessProbe=probe))
    await yard.until(lambda: yard.container(ref).get("restartCount", 0) >= 1)
    assert yard.events("Unhealthy")
    assert any("failed liveness probe" in e["message"] for e in yard.events("Killing"))


async def test_a_container_that_fails_its_startup_probe_gets_that_probes_grace(yard: Yard) -> None:
    """The pod's grace is an hour, so that only the probe's own can end this container, which ignores SIGTERM."""
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1,
             "terminationGracePeriodSeconds": 1}  # fmt: skip
    deaf = shell("trap '' TERM; while :; do sleep 0.02; done")
    ref = yard.put(pod("stuck", *deaf, startupProbe=probe, spec={"terminationGracePeriodSeconds": 3600}))
    await yard.until(lambda: yard.container(ref).get("restartCount", 0) >= 1)
    assert any("failed startup probe" in e["message"] for e in yard.events("Killing"))
    yard.end(ref, 0)
    await yard.until(lambda: yard.get(ref) is None)


async def test_liveness_waits_for_the_startup_probe(yard: Yard) -> None:
    flag = yard.home / "up"
    startup = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1, "failureThreshold": 100}
    liveness = {"exec": {"command": ["test", "-e", str(flag)]}, "periodSeconds": 1, "failureThreshold": 1}
    ref = yard.put(pod("slow", *shell(f"sleep 1.5; touch {flag}; exec sleep 60"), startupProbe=startup,
                       livenessProbe=liveness))  # fmt: skip
    await yard.until(lambda: yard.ready(ref))
    assert yard.container(ref)["restartCount"] == 0


async def test_stopping_the_manager_ends_every_process_and_record(yard: Yard) -> None:
    refs = [yard.put(pod(f"p{n}", *shell("trap '' TERM; sleep 60 & wait; sleep 60"))) for n in range(4)]
    await yard.until(lambda: all(yard.ready(ref) for ref in refs))
    pids = [int(yard.container(ref)["containerID"].removeprefix("mesh://")) for ref in refs]
    await yard.manager.stop()
    assert [start_time(pid) for pid in pids] == [None] * 4
    assert list(pod_processes(yard.home)) == []
    assert list((yard.home / "run" / "processes").iterdir()) == []


async def test_a_volume_is_made_and_its_place_is_told(yard: Yard) -> None:
    yard.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "files"}, "data": {"a.txt": "hello"}})
    volumes = [{"name": "my-files", "configMap": {"name": "files"}}]
    mounts = [{"name": "my-files", "mountPath": "/etc/files"}]
    out = yard.home / "out"
    command = shell(f"cat $MESHMALL_VOLUME_MY_FILES/a.txt > {out}; exec sleep 60")
    ref = yard.put(pod("reader", *command, volumeMounts=mounts, spec={"volumes": volumes}))
    await yard.until(lambda: out.exists() and out.read_text() == "hello")
    assert "is not at /etc/files" in yard.events("VolumeNotMounted")[0]["message"]
    assert Path(yard.home / "pods").is_dir()
    yard.end(ref, 0)
    await yard.until(lambda: yard.get(ref) is None)
