"""What a StatefulSet or DaemonSet can get wrong by itself, and what may not change in it."""

from collections.abc import Iterator

from msgspec.structs import replace

from mesh.resources.checks.persistent_volume import check_claim_spec
from mesh.resources.checks.pod import check_template
from mesh.resources.checks.workload import check_count, check_pods_of, check_workload_update
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.core.pod import IntOrString, PodTemplateSpec, Volume
from mesh.resources.core.replication_controller import ReplicationController
from mesh.resources.core.stateful_set import StatefulSet, VolumeClaimTemplate
from mesh.resources.values.durations import share
from mesh.resources.values.names import none_of, wrong_label
from mesh.resources.values.problems import FieldError, duplicate, required

Errors = Iterator[FieldError]
MUTABLE = "replicas, ordinals, template, updateStrategy, persistentVolumeClaimRetentionPolicy and minReadySeconds"


def check_stateful_set(stateful_set: StatefulSet) -> Errors:
    """Everything wrong with a StatefulSet by itself."""
    spec = stateful_set.spec
    yield from check_count(spec.replicas, "spec.replicas")
    yield from check_count(spec.revision_history_limit, "spec.revisionHistoryLimit")
    yield from check_count(spec.ordinals.start, "spec.ordinals.start")
    if spec.pod_management_policy not in ("OrderedReady", "Parallel"):
        message = f'"{spec.pod_management_policy[:80]}" is neither OrderedReady nor Parallel'
        yield FieldError("spec.podManagementPolicy", message)
    retention = spec.persistent_volume_claim_retention_policy
    for name, value in (("whenDeleted", retention.when_deleted), ("whenScaled", retention.when_scaled)):
        yield from none_of(value, ("Retain", "Delete"), f"spec.persistentVolumeClaimRetentionPolicy.{name}")
    yield from _update_strategy(stateful_set)
    yield from _claims(spec.volume_claim_templates)
    yield from check_pods_of(stateful_set, with_claims(spec.template, spec.volume_claim_templates))


def check_stateful_set_update(old: StatefulSet, new: StatefulSet) -> Errors:
    """Pods, their names and their claims are made of the rest, which therefore stays as it is."""
    yield from check_workload_update(old, new)
    for name, before, after in (
        ("serviceName", old.spec.service_name, new.spec.service_name),
        ("podManagementPolicy", old.spec.pod_management_policy, new.spec.pod_management_policy),
        ("volumeClaimTemplates", old.spec.volume_claim_templates, new.spec.volume_claim_templates),
    ):
        if before != after:
            yield FieldError(
                f"spec.{name}",
                f"cannot be changed; of a StatefulSet only {MUTABLE} can. Delete it with --cascade=orphan to create "
                "another one over its pods",
            )


def check_daemon_set(daemon_set: DaemonSet) -> Errors:
    """Everything wrong with a DaemonSet by itself."""
    spec = daemon_set.spec
    yield from check_count(spec.revision_history_limit, "spec.revisionHistoryLimit")
    yield from none_of(spec.update_strategy.type, ("RollingUpdate", "OnDelete"), "spec.updateStrategy.type")
    rolling = spec.update_strategy.rolling_update
    if rolling is not None:
        at = "spec.updateStrategy.rollingUpdate"
        errors = [
            *_share(rolling.max_unavailable, f"{at}.maxUnavailable"),
            *_share(rolling.max_surge, f"{at}.maxSurge"),
        ]
        yield from errors
        if not errors:
            amounts = share(rolling.max_unavailable, 100, up=True), share(rolling.max_surge, 100, up=True)
            if amounts == (0, 0):
                yield FieldError(f"{at}.maxUnavailable", "may not be 0 when maxSurge is 0: no pod could be replaced")
            elif all(amounts):
                yield FieldError(f"{at}.maxSurge", "may not be above 0 when maxUnavailable is: give one of them")
    yield from check_pods_of(daemon_set, spec.template)


def check_replication_controller(controller: ReplicationController) -> Errors:
    """Everything wrong with a ReplicationController by itself."""
    spec = controller.spec
    yield from check_count(spec.replicas, "spec.replicas")
    yield from check_count(spec.min_ready_seconds, "spec.minReadySeconds")
    if not spec.selector:
        yield required("spec.selector", "is missing, and the template has no labels to take it from")
    elif not spec.selector.items() <= spec.template.metadata.labels.items():
        yield FieldError(
            "spec.template.metadata.labels",
            f"{spec.template.metadata.labels} are not what the selector asks for ({spec.selector})",
        )
    if spec.template.spec.restart_policy in ("OnFailure", "Never"):
        path = "spec.template.spec.restartPolicy"
        yield FieldError(path, "the pods of a ReplicationController have restartPolicy Always")
    yield from check_template(spec.template, "spec.template")


def with_claims(template: PodTemplateSpec, claims: list[VolumeClaimTemplate]) -> PodTemplateSpec:
    """The template with a volume for each claim, which its containers may mount; it replaces one of the same name."""
    names = list(dict.fromkeys(claim.metadata.name for claim in claims))
    volumes = [volume for volume in template.spec.volumes if volume.name not in names]
    volumes += [Volume(name=name, persistent_volume_claim={"claimName": "of-the-pod"}) for name in names]
    return replace(template, spec=replace(template.spec, volumes=volumes))


def _update_strategy(stateful_set: StatefulSet) -> Errors:
    strategy = stateful_set.spec.update_strategy
    yield from none_of(strategy.type, ("RollingUpdate", "OnDelete"), "spec.updateStrategy.type")
    rolling, at = strategy.rolling_update, "spec.updateStrategy.rollingUpdate"
    if rolling is None:
        return
    if strategy.type == "OnDelete":
        yield FieldError(at, "cannot be used with type OnDelete")
        return
    yield from check_count(rolling.partition, f"{at}.partition")
    errors = list(_share(rolling.max_unavailable, f"{at}.maxUnavailable"))
    yield from errors
    if not errors and share(rolling.max_unavailable, 100, up=True) == 0:
        yield FieldError(f"{at}.maxUnavailable", "may not be 0: no pod could be replaced")


def _claims(claims: list[VolumeClaimTemplate]) -> Errors:
    seen: set[str] = set()
    for number, claim in enumerate(claims):
        at, name = f"spec.volumeClaimTemplates[{number}]", claim.metadata.name
        if wrong := wrong_label(name):
            yield FieldError(f"{at}.metadata.name", wrong)
        if name in seen:
            yield duplicate(f"{at}.metadata.name", name)
        seen.add(name)
        yield from check_claim_spec(claim.spec, f"{at}.spec")


def _share(value: IntOrString, path: str) -> Errors:
    """An error when this is neither a number of pods nor a percentage of them."""
    try:
        number = share(value, 100, up=True)
    except ValueError as error:
        yield FieldError(path, str(error))
        return
    if number < 0:
        yield FieldError(path, f"{value} is below 0")
    elif isinstance(value, str) and number > 100:
        yield FieldError(path, f'"{value}" is above 100%')
