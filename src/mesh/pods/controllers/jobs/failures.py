"""What a failed pod means for its Job: podFailurePolicy (Kubernetes, "Pod failure policy"). Pure."""

from typing import NamedTuple

from mesh.pods.controllers.jobs.job_pods import JobPod
from mesh.resources.core.batch import PodFailurePolicy, PodFailurePolicyOnExitCodes, PodFailurePolicyRule
from mesh.resources.values.body import Body


class Consequence(NamedTuple):
    """`action` is Count, Ignore, FailIndex or FailJob; `message` says which rule decided."""

    action: str
    message: str = ""


COUNTED = Consequence("Count")


def consequence(policy: PodFailurePolicy | None, pod: JobPod) -> Consequence:
    """What the first matching rule says; a pod that no rule matches counts as a failure."""
    for number, rule in enumerate(policy.rules if policy is not None else ()):
        cause = _cause(rule, pod)
        if cause:
            name = f"{pod.stored.ref.namespace}/{pod.stored.ref.name}"
            message = f"{cause.format(pod=name)} matching {rule.action} rule at index {number}"
            return Consequence(rule.action, message)
    return COUNTED


def _cause(rule: PodFailurePolicyRule, pod: JobPod) -> str:
    """Why a rule matches a pod, with {pod} for its name; "" when it does not."""
    status = pod.stored.body.get("status") or {}
    if rule.on_exit_codes is not None:
        entries = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        for entry in entries:
            code = _failed_with(entry)
            if code and _matches(rule.on_exit_codes, str(entry["name"]), code):
                return f"Container {entry['name']} for pod {{pod}} failed with exit code {code}"
        return ""
    statuses = {str(condition.get("type")): condition.get("status") for condition in status.get("conditions") or ()}
    for pattern in rule.on_pod_conditions:
        if statuses.get(pattern.type) == pattern.status:
            return f"Pod {{pod}} has condition {pattern.type}"
    return ""


def _failed_with(entry: Body) -> int:
    return int(((entry.get("state") or {}).get("terminated") or {}).get("exitCode", 0))


def _matches(codes: PodFailurePolicyOnExitCodes, container: str, code: int) -> bool:
    if codes.container_name and codes.container_name != container:
        return False
    return (code in codes.values) == (codes.operator == "In")
