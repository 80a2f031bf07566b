"""The defaults of a pod, as Kubernetes' API server and its admission write them."""

import re

from mesh.resources.values.body import Body

TERMINATION_LOG = "/dev/termination-log"
READABLE = 0o644
TOKEN_LIFETIME = 3600
# What admission adds: a node that is lost for longer than five minutes loses its pods.
DEFAULT_TOLERATIONS = tuple(
    {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for state in ("not-ready", "unreachable")
)
_TAG = re.compile(r":([\w][\w.-]*)$")


def fill_pod(body: Body) -> None:
    """A Pod's defaults: those of its template, and those that only a pod has."""
    spec = body.setdefault("spec", {})
    spec.setdefault("serviceAccountName", spec.get("serviceAccount") or "default")
    fill_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        _requests(container)
        if spec.get("hostNetwork"):
            for port in container.get("ports", []):
                port.setdefault("hostPort", port.get("containerPort", 0))
    _tolerations(spec)


def fill_pod_spec(spec: Body) -> None:
    """The defaults of a pod's spec, wherever it is."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    # The same under two names: the older one is still read by some.
    for name, other in (("serviceAccountName", "serviceAccount"), ("serviceAccount", "serviceAccountName")):
        if name in spec:
            spec.setdefault(other, spec[name])
    for volume in spec.get("volumes", []):
        _volume(volume)
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        fill_container(container)


def fill_container(container: Body) -> None:
    """A container's defaults."""
    for port in container.get("ports", []):
        port.setdefault("protocol", "TCP")
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in container:
            _probe(container[name])
    for handler in container.get("lifecycle", {}).values():
        if isinstance(handler, dict):
            _http_get(handler)
    for variable in container.get("env", []):
        _field_sources(variable.get("valueFrom", {}))
    container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    container.setdefault("terminationMessagePath", TERMINATION_LOG)
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})


def _pull_policy(image: str) -> str:
    """Always for an image that may change: without a tag, or `latest`."""
    if not image or "@" in image:
        return "IfNotPresent"
    tag = _TAG.search(image)
    return "Always" if tag is None or tag.group(1) == "latest" else "IfNotPresent"


def _probe(probe: Body) -> None:
    for name, value in (
        ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
    ):  # fmt: skip
        if not probe.get(name):
            probe[name] = value
    _http_get(probe)
    if "grpc" in probe:
        # kubectl describe reads it without asking whether it is there.
        probe["grpc"].setdefault("service", "")


def _http_get(handler: Body) -> None:
    if "httpGet" in handler:
        handler["httpGet"].setdefault("path", "/")
        handler["httpGet"].setdefault("scheme", "HTTP")


def _field_sources(source: Body) -> None:
    if "fieldRef" in source:
        source["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in source:
        source["resourceFieldRef"].setdefault("divisor", "0")


def _volume(volume: Body) -> None:
    if volume.keys() <= {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if source in volume:
            volume[source].setdefault("defaultMode", READABLE)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for item in volume.get("downwardAPI", {}).get("items", []):
        _field_sources(item)
    for source in volume.get("projected", {}).get("sources", []):
        for item in source.get("downwardAPI", {}).get("items", []):
            _field_sources(item)
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", TOKEN_LIFETIME)
    if template := volume.get("ephemeral", {}).get("volumeClaimTemplate"):
        template.setdefault("metadata", {})
        template.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _requests(container: Body) -> None:
    """Whoever limits a resource and requests nothing requests the limit."""
    resources = container.get("resources", {})
    if limits := resources.get("limits"):
        requests = resources.setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)


def _tolerations(spec: Body) -> None:
    tolerations = spec.get("tolerations", [])
    for default in DEFAULT_TOLERATIONS:
        if not any(_tolerates(toleration, default["key"]) for toleration in tolerations):
            tolerations = [*tolerations, dict(default)]
    spec["tolerations"] = tolerations


def _tolerates(toleration: Body, key: object) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
