"""What a Deployment or ReplicaSet can get wrong by itself, what all workloads can, and what may not change in them."""

from collections.abc import Iterator, Mapping

from mesh.resources.checks.pod import check_template
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.core.deployment import Deployment, DeploymentSpec, DeploymentStatus, ReplicaSet
from mesh.resources.core.pod import PodTemplateSpec
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.values.durations import share
from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.names import none_of, wrong_labels
from mesh.resources.values.problems import FieldError, Reason, forbidden, malformed, required
from mesh.resources.values.selectors import matches

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
LARGEST_COUNT = 2**31 - 1
Errors = Iterator[FieldError]
Workload = Deployment | ReplicaSet | StatefulSet | DaemonSet


def check_deployment(deployment: Deployment) -> Errors:
    """Everything wrong with a Deployment by itself."""
    yield from check_workload(deployment)
    spec = deployment.spec
    yield from check_count(spec.revision_history_limit, "spec.revisionHistoryLimit")
    yield from check_count(spec.progress_deadline_seconds, "spec.progressDeadlineSeconds")
    if spec.progress_deadline_seconds <= spec.min_ready_seconds:
        yield FieldError(
            "spec.progressDeadlineSeconds",
            f"{spec.progress_deadline_seconds} is not above minReadySeconds ({spec.min_ready_seconds})",
        )
    if spec.strategy.type not in ("RollingUpdate", "Recreate"):
        message = f'"{spec.strategy.type[:80]}" is neither RollingUpdate nor Recreate'
        yield FieldError("spec.strategy", message, reason=Reason.NOT_SUPPORTED)
    yield from _rolling_update(spec)


def check_workload(workload: Deployment | ReplicaSet) -> Errors:
    """Everything wrong with what Deployment and ReplicaSet have in common: the number of pods, selector, template."""
    yield from check_count(workload.spec.replicas, "spec.replicas")
    yield from check_pods_of(workload, workload.spec.template)


def check_pods_of(workload: Workload, template: PodTemplateSpec) -> Errors:
    """Everything wrong with the pods that a workload creates from `template`, and with how it finds them."""
    spec = workload.spec
    yield from check_count(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from check_selector(spec.selector)
    yield from _template_fits(workload)
    if spec.template.spec.restart_policy in ("OnFailure", "Never"):
        message = f"the pods of a {workload.kind} have restartPolicy Always"
        yield FieldError("spec.template.spec.restartPolicy", message, reason=Reason.NOT_SUPPORTED)
    if spec.template.spec.active_deadline_seconds is not None:
        yield forbidden("spec.template.spec.activeDeadlineSeconds", f"cannot be used in a {workload.kind}")
    yield from check_template(template, "spec.template")


def check_workload_update(old: Workload, new: Workload) -> Errors:
    """The selector stays: with another one, pods that run would belong to nobody."""
    if old.spec.selector != new.spec.selector:
        yield FieldError(
            "spec.selector", f"cannot be changed; delete the {old.kind} first, or choose another name for the new one"
        )


def check_workload_status(workload: Deployment | ReplicaSet) -> Errors:
    """Numbers of pods that cannot be (pkg/apis/apps/validation, ValidateDeploymentStatus and ValidateReplicaSetStatus).

    A controller of somebody else's that writes them would mislead everybody who waits for the workload.
    """
    status = workload.status
    counts = {
        "replicas": status.replicas,
        "readyReplicas": status.ready_replicas,
        "availableReplicas": status.available_replicas,
    }
    if isinstance(status, DeploymentStatus):
        counts["updatedReplicas"] = status.updated_replicas
    else:
        counts["fullyLabeledReplicas"] = status.fully_labeled_replicas
    for name, count in counts.items():
        if count < 0:
            yield FieldError(f"status.{name}", f"{count} is negative")
        if name != "replicas" and count > status.replicas:
            yield FieldError(f"status.{name}", f"{count} is more than status.replicas ({status.replicas})")
    if status.available_replicas > status.ready_replicas:
        why = f"{status.available_replicas} is more than status.readyReplicas ({status.ready_replicas})"
        yield FieldError("status.availableReplicas", why)


def check_selector(selector: LabelSelector) -> Errors:
    """What is wrong with `spec.selector`."""
    if not selector.match_labels and not selector.match_expressions:
        yield required("spec.selector", "selects nothing; give matchLabels")
    yield from (FieldError("spec.selector.matchLabels", why) for _, why in wrong_labels(selector.match_labels))
    yield from _requirement_errors(selector)


def _requirement_errors(selector: LabelSelector) -> Errors:
    for number, requirement in enumerate(selector.match_expressions):
        path = f"spec.selector.matchExpressions[{number}]"
        yield from (
            FieldError(error.path, error.message)
            for error in none_of(requirement.operator, OPERATORS, f"{path}.operator")
        )
        yield from (FieldError(f"{path}.key", why) for _, why in wrong_labels({requirement.key: ""}))
        if requirement.operator in ("In", "NotIn") and not requirement.values:
            yield required(f"{path}.values", f"is empty; {requirement.operator} needs at least one")
        if requirement.operator in ("Exists", "DoesNotExist") and requirement.values:
            yield forbidden(f"{path}.values", f"cannot be used with {requirement.operator}")


def _template_fits(workload: Workload) -> Errors:
    """A selector that the template's labels do not match would have the workload make pods for ever."""
    selector, labels = workload.spec.selector, workload.spec.template.metadata.labels
    if any(True for _ in _requirement_errors(selector)):
        yield FieldError("spec.selector", "cannot be compared with the template's labels")
        return
    reasons = list(_mismatches(selector, labels))
    if reasons or not (selector.match_labels or selector.match_expressions):
        why = "; ".join(reasons) or "the selector selects nothing"
        yield FieldError("spec.template.metadata.labels", f"{why}; {workload.kind} and pods must agree")


def _mismatches(selector: LabelSelector, labels: Mapping[str, str]) -> Iterator[str]:
    for key, value in selector.match_labels.items():
        if labels.get(key) != value:
            actual = f'has "{labels[key]}"' if key in labels else "has no such label"
            yield f'the selector asks for {key} "{value}", the template {actual}'
    for number, requirement in enumerate(selector.match_expressions):
        if not matches(requirement.operator, labels.get(requirement.key), requirement.values):
            yield f'matchExpressions[{number}] does not match the template\'s "{requirement.key}"'


def _rolling_update(spec: DeploymentSpec) -> Errors:
    rolling = spec.strategy.rolling_update
    if rolling is None:
        return
    if spec.strategy.type == "Recreate":
        yield forbidden("spec.strategy.rollingUpdate", "cannot be used with type Recreate")
    shares = {}
    for name, text in (("maxSurge", rolling.max_surge), ("maxUnavailable", rolling.max_unavailable)):
        try:
            shares[name] = share(text, 100, up=True)
            if shares[name] < 0:
                raise ValueError(f"{text} is below 0")
            if name == "maxUnavailable" and isinstance(text, str) and shares[name] > 100:
                raise ValueError(f'"{text}" is above 100%')
        except ValueError as error:
            yield FieldError(f"spec.strategy.rollingUpdate.{name}", str(error))
    if shares == {"maxSurge": 0, "maxUnavailable": 0}:
        yield FieldError(
            "spec.strategy.rollingUpdate.maxUnavailable", "may not be 0 when maxSurge is 0: no pod could be replaced"
        )


def check_count(value: int, path: str) -> Errors:
    """An error when this is not a number that Kubernetes counts pods, seconds or revisions with."""
    if value < 0:
        yield FieldError(path, f"{value} is below 0")
    elif value > LARGEST_COUNT:
        # Kubernetes' own type has 32 bits: it cannot read such a number.
        yield malformed(path, f"{value} is above {LARGEST_COUNT}")
