"""Workloads with volumes, and branches that copy them, for tests without processes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.validation.manifest import validate
from tests.support.objects import Body

CLAIM_SPEC: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}


def template(name: str, **spec: Any) -> Body:
    container = {"name": "main", "command": ["sleep", "1"], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}}


def stateful_set_body(
    name: str = "postgres", *, replicas: int = 1, annotations: Mapping[str, str] = MappingProxyType({})
) -> Body:
    """A StatefulSet whose pods have the claim `data`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "mesh", "annotations": dict(annotations)},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name),
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": CLAIM_SPEC}],
        },
    }


def stateful_set(
    name: str = "postgres", *, replicas: int = 1, annotations: Mapping[str, str] = MappingProxyType({})
) -> StatefulSet:
    typed = validate(stateful_set_body(name, replicas=replicas, annotations=annotations)).typed
    assert isinstance(typed, StatefulSet)
    return typed


def deployment(name: str, *volumes: Body) -> Deployment:
    """A Deployment with these volumes, of which `data` is mounted."""
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, volumes=[*volumes] or [{"name": "data", "emptyDir": {}}]),
        },
    }
    typed = validate(body).typed
    assert isinstance(typed, Deployment)
    return typed


def lone_pod(name: str, *volumes: Body) -> Pod:
    """A pod without a controller."""
    parts = template(name, volumes=[*volumes] or [{"name": "data", "emptyDir": {}}])
    metadata = {"name": name, "namespace": "mesh", "labels": {"app": name}}
    typed = validate({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": parts["spec"]}).typed
    assert isinstance(typed, Pod)
    return typed
