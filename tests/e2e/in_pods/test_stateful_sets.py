"""StatefulSets, DaemonSets and claims as kubectl drives them and as pods see them."""

from typing import Any

from tests.support.pod_programs import PodPrograms
from tests.support.waiting import until

SERVE = """
import http.server, os
os.chdir("/data")
http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)
"""


def stateful_set(colour: str) -> list[dict[str, Any]]:
    """A headless Service and two pods that serve their own files."""
    container = {
        "name": "main",
        "command": ["python3", "-c", SERVE],
        "env": [{"name": "COLOUR", "value": colour}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    labels = {"app": "web"}
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    spec = {
        "serviceName": "web",
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
        },
        "volumeClaimTemplates": [claim],
    }
    service = {"clusterIP": "None", "selector": labels, "ports": [{"name": "http", "port": 8080}]}
    metadata = {"name": "web", "namespace": "mesh"}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec},
    ]


def rolled_out(programs: PodPrograms) -> str:
    return programs.ok("rollout", "status", "statefulset/web", "--timeout=55s")


def colours(programs: PodPrograms) -> list[str]:
    """The colour of each pod, by the pods' names."""
    path = "jsonpath={range .items[*]}{.metadata.name}={.spec.containers[0].env[0].value} {end}"
    return programs.ok("get", "pods", "-l", "app=web", "-o", path).split()


def test_kubectl_rolls_a_stateful_set_out_back_and_up(programs: PodPrograms) -> None:
    programs.apply(*stateful_set("blue"))
    assert "roll out complete" in rolled_out(programs) or "rolling update complete" in rolled_out(programs)
    assert colours(programs) == ["web-0=blue", "web-1=blue"]
    programs.ok("set", "env", "statefulset/web", "COLOUR=red")
    rolled_out(programs)
    assert colours(programs) == ["web-0=red", "web-1=red"]
    history = programs.ok("rollout", "history", "statefulset/web").split()
    assert history[-4:] == ["1", "<none>", "2", "<none>"]
    programs.ok("rollout", "undo", "statefulset/web")
    rolled_out(programs)
    assert colours(programs) == ["web-0=blue", "web-1=blue"]
    programs.ok("scale", "statefulset/web", "--replicas=3")
    rolled_out(programs)
    assert len(colours(programs)) == 3
    programs.ok("rollout", "restart", "statefulset/web")
    rolled_out(programs)
    table = programs.ok("get", "statefulsets,persistentvolumeclaims", "--no-headers").splitlines()
    assert any(row.startswith("statefulset.apps/web   3/3") for row in table)
    assert sum("-web-" in row and "Bound" in row for row in table) == 3


def test_each_pod_has_a_name_of_its_own_and_its_own_data(programs: PodPrograms) -> None:
    programs.apply(*stateful_set("blue"))
    rolled_out(programs)
    for name in ("web-0", "web-1"):
        programs.ok("exec", name, "--", "sh", "-c", "hostname >/data/name")
    fetch = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode(), end='')"
    for host in ("web-1.web", "web-1.web.mesh.svc.cluster.local"):
        answer = programs.ok("exec", "web-0", "--", "python3", "-c", fetch, f"http://{host}:8080/name")
        assert answer == "web-1\n"


def test_pods_that_are_left_behind_are_taken_over(programs: PodPrograms) -> None:
    objects = stateful_set("blue")
    programs.apply(*objects)
    rolled_out(programs)
    uids = ("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.uid}")
    before = programs.ok(*uids)
    programs.ok("delete", "statefulset", "web", "--cascade=orphan")
    assert programs.ok(*uids) == before
    programs.apply(*objects)
    rolled_out(programs)
    assert programs.ok(*uids) == before


def test_a_claim_goes_with_its_stateful_set_when_it_should(programs: PodPrograms) -> None:
    service, body = stateful_set("blue")
    body["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    programs.apply(service, body)
    rolled_out(programs)
    programs.ok("scale", "statefulset/web", "--replicas=1")
    programs.ok("wait", "--for=delete", "persistentvolumeclaim/data-web-1", "--timeout=55s")
    programs.ok("delete", "statefulset", "web")
    programs.ok("wait", "--for=delete", "persistentvolumeclaim/data-web-0", "--timeout=55s")
    # Claims of other tests may be there still.
    names = ("mesh/data-web-0", "mesh/data-web-1")
    until(lambda: not any(name in programs.ok("get", "persistentvolumes") for name in names))


def test_a_daemon_set_rolls_out(programs: PodPrograms) -> None:
    labels = {"app": "agent"}
    container = {"name": "main", "command": ["sleep", "600"]}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
        },
    }
    programs.apply({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": spec})
    programs.ok("rollout", "status", "daemonset/agent", "--timeout=55s")
    programs.ok("set", "env", "daemonset/agent", "COLOUR=red")
    programs.ok("rollout", "status", "daemonset/agent", "--timeout=55s")
    programs.ok("rollout", "undo", "daemonset/agent")
    programs.ok("rollout", "status", "daemonset/agent", "--timeout=55s")
    assert programs.ok("get", "daemonset", "agent", "--no-headers").split()[1:6] == ["1"] * 5
