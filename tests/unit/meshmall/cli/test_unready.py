"""`meshmall status` says why pods are not ready, and what concerns many of them once."""

from mesh.resources.values.body import Body
from meshmall.cli.unready import unready


def workload(kind: str, name: str, replicas: int, **status: object) -> Body:
    return {
        "kind": kind,
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}},
        "status": status,
    }


def pod(app: str, reason: str, message: str = "") -> Body:
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "metadata": {"namespace": "shop", "name": f"{app}-1", "labels": {"app": app}},
        "status": {"containerStatuses": [{"name": "main", "image": f"{app}:alpine", "state": state}]},
    }


def test_images_without_a_program_are_listed_once() -> None:
    deployments = [workload("Deployment", name, 1) for name in ("redis", "web")]
    pods = [pod("redis", "ErrImageNeverPull"), pod("web", "ErrImageNeverPull")]
    assert unready(deployments, [], pods) == [
        'Deployment shop/redis: 0/1 pods are ready: no program is registered for image "redis:alpine"',
        'Deployment shop/web: 0/1 pods are ready: no program is registered for image "web:alpine"',
        "2 images have no program: redis:alpine, web:alpine; register them in images.yaml (docs/manifests.md)",
    ]


def test_a_pod_of_another_workload_is_not_blamed() -> None:
    lines = unready([workload("Deployment", "web", 2, readyReplicas=1)], [], [pod("redis", "CrashLoopBackOff")])
    assert lines == ["Deployment shop/web: 1/2 pods are ready"]


def test_a_failed_job_says_why_and_a_finished_one_nothing() -> None:
    failed = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}
    complete = {"type": "Complete", "status": "True"}
    jobs = [workload("Job", "migrate", 1, conditions=[failed]), workload("Job", "seed", 1, conditions=[complete])]
    assert unready([], jobs, []) == ["Job shop/migrate: Job has reached the specified backoff limit"]


def test_a_job_whose_pod_cannot_start_says_so() -> None:
    message = "Secret keys not found"
    lines = unready([], [workload("Job", "seed", 1, active=1)], [pod("seed", "CreateContainerConfigError", message)])
    cause = f"container main: CreateContainerConfigError: {message}"
    assert lines == [f"Job shop/seed: its pod cannot start: {cause}"]


def test_what_is_ready_is_not_mentioned() -> None:
    assert unready([workload("Deployment", "web", 2, readyReplicas=2)], [], []) == []
