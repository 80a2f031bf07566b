"""The defaults that Kubernetes' API server writes into objects when they are stored: one function per kind."""

import base64

from mesh.resources.core.batch import CONTROLLER_UID, JOB_NAME
from mesh.resources.core.config import NAMESPACE_LABEL
from mesh.resources.validation.pod_defaults import fill_pod_spec
from mesh.resources.values.body import Body

UNLIMITED = 2**31 - 1


def fill_template(template: Body) -> None:
    """The defaults of a pod template."""
    template.setdefault("metadata", {})
    fill_pod_spec(template.setdefault("spec", {}))


def fill_deployment(body: Body) -> None:
    """A Deployment's defaults."""
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    fill_template(spec.setdefault("template", {}))


def fill_replica_set(body: Body) -> None:
    """A ReplicaSet's defaults."""
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    fill_template(spec.setdefault("template", {}))


def fill_service(body: Body) -> None:
    """A Service's defaults, as far as they depend on nothing else (pkg/apis/core/v1, SetDefaults_Service)."""
    spec = body.setdefault("spec", {})
    type_ = spec.setdefault("type", "ClusterIP")
    if spec.setdefault("sessionAffinity", "None") == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", 10800)
    for port in spec.get("ports", []):
        if not port.get("protocol"):
            port["protocol"] = "TCP"
        # 0 and "" are what generators write for "the same as the port".
        if not port.get("targetPort"):
            port["targetPort"] = port["port"]
    if type_ != "ExternalName" and not spec.get("internalTrafficPolicy"):
        spec["internalTrafficPolicy"] = "Cluster"
    is_external = type_ in ("NodePort", "LoadBalancer") or (type_ == "ClusterIP" and spec.get("externalIPs"))
    if is_external and not spec.get("externalTrafficPolicy"):
        spec["externalTrafficPolicy"] = "Cluster"
    if type_ == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def fill_endpoint_slice(body: Body) -> None:
    """An EndpointSlice's defaults."""
    for endpoint in body.get("endpoints") or []:
        endpoint.setdefault("conditions", {})
    for port in body.get("ports") or []:
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def fill_endpoints(body: Body) -> None:
    """The defaults of Endpoints; malformed ones are left alone, since their fields are not typed."""
    subsets = body.get("subsets")
    for subset in subsets if isinstance(subsets, list) else []:
        ports = subset.get("ports") if isinstance(subset, dict) else None
        for port in ports if isinstance(ports, list) else []:
            if isinstance(port, dict):
                port.setdefault("protocol", "TCP")


def fill_secret(body: Body) -> None:
    """A Secret's defaults; plain text (`stringData`) becomes `data`."""
    body.setdefault("type", "Opaque")
    plain = body.pop("stringData", None)
    if plain:
        data = body.setdefault("data", {})
        for name, text in plain.items():
            data[name] = base64.b64encode(text.encode(errors="surrogateescape")).decode()


def fill_namespace(body: Body) -> None:
    """A Namespace's defaults, with the label that selects it by its name."""
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body.setdefault("status", {}).setdefault("phase", "Active")
    body["metadata"].setdefault("labels", {})[NAMESPACE_LABEL] = body["metadata"].get("name", "")


def fill_event(body: Body) -> None:
    """An Event's defaults: who reports it, also when nobody says so."""
    body.setdefault("source", {})
    for name in ("reportingComponent", "reportingInstance"):
        body.setdefault(name, "")


def fill_job(body: Body) -> None:
    """A Job's defaults."""
    spec = body.setdefault("spec", {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    # With a limit for each index, the limit for all of them is there only for who wants it.
    spec.setdefault("backoffLimit", UNLIMITED if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    _job_template(spec)


def complete_job(body: Body, uid: str) -> None:
    """A Job's selector, and the labels that it selects its pods by; nothing with manualSelector."""
    spec = body["spec"]
    labels = spec["template"]["metadata"].setdefault("labels", {})
    if not spec.get("manualSelector"):
        name = body["metadata"]["name"]
        labels.update({CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name})
        spec["selector"] = {"matchLabels": {CONTROLLER_UID: uid}}
    if not body["metadata"].get("labels"):
        body["metadata"]["labels"] = dict(labels)


def fill_cron_job(body: Body) -> None:
    """A CronJob's defaults."""
    spec = body.setdefault("spec", {})
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    template = spec.setdefault("jobTemplate", {})
    template.setdefault("metadata", {})
    _job_template(template.setdefault("spec", {}))


def _job_template(spec: Body) -> None:
    for rule in spec.get("podFailurePolicy", {}).get("rules", []):
        for condition in rule.get("onPodConditions", []):
            condition.setdefault("status", "True")
    fill_template(spec.setdefault("template", {}))
