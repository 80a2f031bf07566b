"""`kubectl autoscale`, disruption budgets and `kubectl drain` against real pods."""

from typing import Any

from tests.support.pod_programs import PodPrograms
from tests.support.waiting import until


def deployment(name: str, replicas: int, *command: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "main", "command": list(command), "resources": {"requests": {"cpu": "1m"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }


def test_kubectl_autoscale_scales_a_busy_deployment(programs: PodPrograms) -> None:
    busy = "while true; do i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; sleep 0.02; done"
    programs.apply(deployment("busy", 1, "sh", "-c", busy))
    programs.ok("rollout", "status", "deployment/busy", "--timeout=55s")
    programs.ok("autoscale", "deployment", "busy", "--min=1", "--max=2", "--cpu-percent=50")
    try:
        replicas = ("get", "deployment", "busy", "-o", "jsonpath={.spec.replicas}")
        until(lambda: programs.ok(*replicas) == "2", 60)
        columns = programs.ok("get", "horizontalpodautoscaler", "busy", "--no-headers").split()
        assert columns[:2] == ["busy", "Deployment/busy"]
        assert "SuccessfulRescale" in programs.ok("describe", "horizontalpodautoscaler", "busy")
    finally:
        programs.kubectl("delete", "horizontalpodautoscaler", "busy")


def test_a_budget_holds_an_eviction_back_until_there_are_pods_enough(programs: PodPrograms) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "shop"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "shop"}}},
    }
    programs.apply(deployment("shop", 2, "sleep", "600"), budget)
    programs.ok("rollout", "status", "deployment/shop", "--timeout=55s")
    drain = ("drain", "localhost", "--pod-selector=app=shop", "--timeout=10s")
    refused = programs.kubectl(*drain)
    assert refused.code != 0
    assert "Cannot evict pod as it would violate the pod's disruption budget." in refused.err
    before = programs.ok("get", "pods", "-l", "app=shop", "-o", "name").split()
    patch = '{"spec": {"maxUnavailable": 1}}'
    programs.ok("patch", "poddisruptionbudget", "shop", "--type=merge", "-p", patch)
    drained = programs.ok("drain", "localhost", "--pod-selector=app=shop", "--timeout=55s")
    assert "evicted" in drained
    programs.ok("uncordon", "localhost")
    programs.ok("rollout", "status", "deployment/shop", "--timeout=55s")
    after = programs.ok("get", "pods", "-l", "app=shop", "-o", "name").split()
    assert not set(before) & set(after)
