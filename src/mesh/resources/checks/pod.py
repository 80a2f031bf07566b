"""What a Pod or a pod template can get wrong: Kubernetes' validation."""

import msgspec

from mesh.resources.checks.container import (
    Errors,
    check_container,
    check_identity,
    check_init_container,
    check_main_container,
)
from mesh.resources.checks.scheduling import check_scheduling, ephemeral_on_create
from mesh.resources.checks.volumes import check_volumes
from mesh.resources.core.pod import Container, Pod, PodSpec, PodTemplateSpec
from mesh.resources.values.names import none_of, wrong_labels, wrong_subdomain
from mesh.resources.values.problems import FieldError, duplicate, forbidden, required

LONGEST_GRACE = 10 * 365 * 24 * 3600
CHANGEABLE = (
    "only containers' and initContainers' images, activeDeadlineSeconds, and tolerations (more of them) can change; "
    "delete the pod, and create another"
)


def check_pod(pod: Pod) -> Errors:
    """Everything wrong with a Pod by itself."""
    return check_template(pod, "")


def check_pod_creation(pod: Pod) -> Errors:
    """What a Pod can only have later."""
    return ephemeral_on_create(pod.spec)


def check_pod_update(old: Pod, new: Pod) -> Errors:
    """What may not change in a pod: most of what its processes were started with."""
    for name, before, after in (
        ("containers", old.spec.containers, new.spec.containers),
        ("initContainers", old.spec.init_containers, new.spec.init_containers),
    ):
        if len(before) != len(after):
            yield forbidden(f"spec.{name}", "cannot be added to or removed from a pod; create another")
            return
    deadline, later = old.spec.active_deadline_seconds, new.spec.active_deadline_seconds
    if deadline is not None and (later is None or later > deadline):
        yield FieldError("spec.activeDeadlineSeconds", f"can only become shorter; it is {deadline}")
    if any(toleration not in new.spec.tolerations for toleration in old.spec.tolerations):
        yield forbidden("spec.tolerations", "can only become more")
    if _unchangeable(old.spec) != _unchangeable(new.spec):
        yield forbidden("spec", CHANGEABLE)


def check_template(template: PodTemplateSpec | Pod, at: str) -> Errors:
    """Everything wrong with a pod's spec; `at` is the path before it."""
    base = f"{at}.spec" if at else "spec"
    if at:
        yield from (FieldError(f"{at}.labels", why) for _, why in wrong_labels(template.metadata.labels))
    spec = template.spec
    if not spec.containers:
        yield required(f"{base}.containers", "is empty; a pod needs at least one")
    if spec.termination_grace_period_seconds > LONGEST_GRACE:
        yield FieldError(
            f"{base}.terminationGracePeriodSeconds",
            f"{spec.termination_grace_period_seconds} is above {LONGEST_GRACE} seconds",
        )
    yield from none_of(spec.restart_policy, ("Always", "OnFailure", "Never"), f"{base}.restartPolicy")
    if spec.service_account_name and (wrong := wrong_subdomain(spec.service_account_name)):
        yield FieldError(f"{base}.serviceAccountName", wrong)
    if spec.security_context is not None:
        yield from check_identity(spec.security_context, f"{base}.securityContext")
    yield from check_volumes(spec, base)
    yield from check_scheduling(spec, base)
    yield from _containers(spec, base)


def _containers(spec: PodSpec, base: str) -> Errors:
    volumes = {volume.name for volume in spec.volumes}
    seen: set[str] = set()
    # Containers first: of two with the same name, the init container is the duplicate.
    for group, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for number, container in enumerate(containers):
            path = f"{base}.{group}[{number}]"
            if container.name and container.name in seen:
                yield duplicate(f"{path}.name", container.name)
            seen.add(container.name)
            yield from check_container(container, path, volumes)
            check_more = check_init_container if group == "initContainers" else check_main_container
            yield from check_more(container, path)


def _unchangeable(spec: PodSpec) -> PodSpec:
    """A spec without what may change, and without what admission carries over."""

    def without_images(containers: list[Container]) -> list[Container]:
        return [msgspec.structs.replace(container, image="") for container in containers]

    return msgspec.structs.replace(
        spec,
        containers=without_images(spec.containers),
        init_containers=without_images(spec.init_containers),
        # By their own subresource.
        ephemeral_containers=[],
        scheduling_gates=[],
        active_deadline_seconds=None,
        tolerations=[],
        priority=None,
        preemption_policy="",
    )
