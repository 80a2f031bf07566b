"""DaemonSets and ReplicationControllers with real processes."""

from typing import Any

from mesh.resources.values.ref import DAEMON_SET, REPLICATION_CONTROLLER, Ref
from mesh.store import Put
from tests.support.yard import Yard, deployment, shell

FOREVER = shell("exec sleep 600")
AGENT = Ref(*DAEMON_SET, "mesh", "agent")
OLD = Ref(*REPLICATION_CONTROLLER, "mesh", "old")


def daemon_set(**spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = deployment("agent", 1, *FOREVER)
    del body["spec"]["replicas"]
    return {**body, "kind": "DaemonSet", "spec": {**body["spec"], **spec}}


def status(yard: Yard, ref: Ref = AGENT) -> dict[str, Any]:
    return (yard.get(ref) or {}).get("status") or {}


def recolour(yard: Yard, colour: str) -> None:
    def change(body: dict[str, Any]) -> None:
        body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "COLOUR", "value": colour}]

    yard.change(AGENT, change)


def colours(yard: Yard) -> list[str]:
    containers = [pod.body["spec"]["containers"][0] for pod in yard.pods()]
    return [container.get("env", [{"value": ""}])[0]["value"] for container in containers]


async def test_a_daemon_set_has_one_pod_on_the_node(yard: Yard) -> None:
    yard.put(daemon_set())
    await yard.until(lambda: status(yard).get("numberAvailable") == 1)
    (pod,) = yard.pods()
    assert pod.ref.name.startswith("agent-")
    assert pod.metadata["labels"]["pod-template-generation"] == "1"
    assert status(yard) == {
        "observedGeneration": 1,
        "currentNumberScheduled": 1,
        "desiredNumberScheduled": 1,
        "numberMisscheduled": 0,
        "numberReady": 1,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
    }


async def test_an_update_replaces_the_pod(yard: Yard) -> None:
    yard.put(daemon_set())
    await yard.until(lambda: status(yard).get("numberAvailable") == 1)
    recolour(yard, "blue")
    await yard.until(lambda: colours(yard) == ["blue"] and status(yard).get("numberAvailable") == 1)
    assert status(yard)["updatedNumberScheduled"] == 1
    revisions = yard.store.list("apps", "ControllerRevision", "mesh")
    assert sorted(revision.body["revision"] for revision in revisions) == [1, 2]


async def test_with_max_surge_the_former_pod_stays_until_the_new_one_is_ready(yard: Yard) -> None:
    gate = yard.home / "open"
    gate.touch()
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    body = daemon_set(updateStrategy=rolling)
    probe = {"exec": {"command": ["test", "-e", str(gate)]}, "periodSeconds": 1}
    body["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = probe
    yard.put(body)
    await yard.until(lambda: status(yard).get("numberAvailable") == 1)
    gate.rename(gate.with_name("shut"))
    recolour(yard, "blue")
    await yard.until(lambda: sorted(colours(yard)) == ["", "blue"])
    gate.with_name("shut").rename(gate)
    await yard.until(lambda: colours(yard) == ["blue"])


async def test_with_on_delete_the_pod_is_replaced_when_somebody_deletes_it(yard: Yard) -> None:
    yard.put(daemon_set(updateStrategy={"type": "OnDelete"}))
    await yard.until(lambda: status(yard).get("numberAvailable") == 1)
    recolour(yard, "blue")
    await yard.until(lambda: status(yard).get("observedGeneration") == 2)
    assert colours(yard) == [""]
    assert "updatedNumberScheduled" not in status(yard)
    yard.end(yard.pods()[0].ref, 1)
    await yard.until(lambda: colours(yard) == ["blue"])


async def test_a_node_selector_decides_whether_there_is_a_pod(yard: Yard) -> None:
    body = daemon_set()
    body["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    yard.put(body)
    await yard.until(lambda: status(yard).get("desiredNumberScheduled") == 0)
    assert not yard.pods()
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "localhost", "labels": {"disk": "ssd"}}}
    yard.store.commit([Put(Ref("", "Node", "", "localhost"), node)])
    await yard.until(lambda: status(yard).get("numberAvailable") == 1)


async def test_deleting_the_daemon_set_ends_its_pod(yard: Yard) -> None:
    yard.put(daemon_set())
    await yard.until(lambda: status(yard).get("numberAvailable") == 1)
    yard.delete(AGENT)
    await yard.until(lambda: not yard.pods() and not yard.store.list("apps", "ControllerRevision", "mesh"))


async def test_a_replication_controller_keeps_its_number_of_pods(yard: Yard) -> None:
    container = {"name": "main", "image": "none", "command": list(FOREVER)}
    template = {"metadata": {"labels": {"app": "old"}}, "spec": {"containers": [container]}}
    yard.put(
        {
            "apiVersion": "v1",
            "kind": "ReplicationController",
            "metadata": {"name": "old"},
            "spec": {"replicas": 2, "template": template},
        }
    )
    await yard.until(lambda: status(yard, OLD).get("readyReplicas") == 2)
    yard.change(OLD, lambda body: body["spec"].update(replicas=1))
    await yard.until(lambda: len(yard.pods()) == 1 and status(yard, OLD).get("replicas") == 1)
    yard.delete(OLD)
    await yard.until(lambda: not yard.pods())
