"""The defaults that Kubernetes' API server writes into objects when they are stored."""

import base64
from collections.abc import Callable

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.values.body import Body


def with_defaults(info: KindDefinition, body: Body, namespace: str) -> Body:
    """Fills in what is not said, in place, and returns the object."""
    metadata = body["metadata"]
    if info.namespaced:
        metadata["namespace"] = metadata.get("namespace") or namespace
    else:
        metadata.pop("namespace", None)
    fill = _FILL.get(info.kind) if info.group in ("", "apps") and info.type is not Untyped else None
    if fill is not None:
        fill(body)
    return body


def _probe(probe: Body) -> None:
    for name, value in (
        ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
    ):  # fmt: skip
        if not probe.get(name):
            probe[name] = value
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _container(container: Body) -> None:
    for port in container.get("ports", []):
        port.setdefault("protocol", "TCP")
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in container:
            _probe(container[name])
    for variable in container.get("env", []):
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            source["fieldRef"].setdefault("apiVersion", "v1")
    container.setdefault("imagePullPolicy", "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})


def _volume(volume: Body) -> None:
    if volume.keys() <= {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret"):
        if source in volume:
            volume[source].setdefault("defaultMode", 0o644)


def _pod_spec(spec: Body) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    if "serviceAccount" in spec:
        spec.setdefault("serviceAccountName", spec["serviceAccount"])
    for volume in spec.get("volumes", []):
        _volume(volume)
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        _container(container)


def _deployment(body: Body) -> None:
    spec = body["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    spec["template"].setdefault("metadata", {})
    _pod_spec(spec["template"]["spec"])


def _replica_set(body: Body) -> None:
    spec = body["spec"]
    spec.setdefault("replicas", 1)
    spec["template"].setdefault("metadata", {})
    _pod_spec(spec["template"]["spec"])


def _service(body: Body) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])


def _secret(body: Body) -> None:
    body.setdefault("type", "Opaque")
    plain = body.pop("stringData", None)
    if plain:
        data = body.setdefault("data", {})
        for name, text in plain.items():
            data[name] = base64.b64encode(text.encode(errors="surrogateescape")).decode()


def _namespace(body: Body) -> None:
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body.setdefault("status", {}).setdefault("phase", "Active")
    body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = body["metadata"].get("name", "")


_FILL: dict[str, Callable[[Body], None]] = {
    "Deployment": _deployment,
    "Service": _service,
    "Secret": _secret,
    "Namespace": _namespace,
    "ReplicaSet": _replica_set,
    "Pod": lambda body: _pod_spec(body["spec"]),
}
