"""A kopf operator: a Garden has as many Deployments as it has beds, and a status that says so."""

from typing import Any

import kopf
from kubernetes import client as typed_client
from kubernetes import config

GROUP = "example.com"
# Its types make everything optional.
client: Any = typed_client
config.load_kube_config()  # type: ignore[no-untyped-call]


def _deployment(name: str, python: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "main", "image": "bed", "command": [python, "-c", "import time; time.sleep(1e6)"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


@kopf.on.create(GROUP, "gardens")
@kopf.on.update(GROUP, "gardens", field="spec.beds")
def plant(spec: Any, name: str, namespace: str | None, patch: Any, logger: Any, **_: Any) -> None:
    apps = client.AppsV1Api()
    existing = apps.list_namespaced_deployment(namespace, label_selector=f"garden={name}").items
    for number in range(len(existing), spec["beds"]):
        body = _deployment(f"{name}-bed-{number}", spec["python"])
        kopf.adopt(body)
        kopf.label(body, {"garden": name})
        apps.create_namespaced_deployment(namespace, body)
    for deployment in existing[spec["beds"] :]:
        apps.delete_namespaced_deployment(deployment.metadata.name, namespace)
    patch.status["beds"] = spec["beds"]
    logger.info("planted")


@kopf.on.delete(GROUP, "gardens")
def harvest(name: str, namespace: str | None, **_: Any) -> None:
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=f"{name}-harvest"))
    client.CoreV1Api().create_namespaced_config_map(namespace, body)
