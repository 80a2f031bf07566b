"""What in a pod's manifest has no effect, or another one, because of where its processes run. Pure.

Fields that no mode acts on are in `mesh.resources.validation.inert`, which knows no mode; a client is warned about
those when it writes the object. These are shown as Warning events of the pod.
"""

from collections.abc import Iterator

from mesh.pods.runtime.interface import Limitation
from mesh.resources.core.pod import Container, Pod

NO_NAMESPACES = "has no effect in loopback mode, in which programs share the machine's users, files and network"


def of_loopback(pod: Pod) -> list[Limitation]:
    """For pods without namespaces: their processes are the mesh's user's, in the machine's file system."""
    limitations: list[Limitation] = []
    fields = list(_pod_fields(pod))
    for container in _containers(pod):
        fields += _container_fields(container)
        for mount in container.volume_mounts:
            variable = f"MESHMALL_VOLUME_{mount.name.upper().replace('-', '_')}"
            message = (
                f"container {container.name}: volume {mount.name} is not at {mount.mount_path}: a process has no "
                f"mounts of its own here; its folder is in the variable {variable}"
            )
            limitations.append(Limitation("VolumeNotMounted", message))
        for probe in (container.startup_probe, container.readiness_probe, container.liveness_probe):
            if probe is not None and probe.grpc is not None:
                message = f"container {container.name}: a grpc probe is made as a tcpSocket probe here"
                limitations.append(Limitation("ProbeSimplified", message))
    if fields:
        limitations.append(Limitation("NoEffect", f"{', '.join(fields)} {NO_NAMESPACES}"))
    return [*limitations, *_empty_dirs(pod)]


def of_namespaces(pod: Pod) -> list[Limitation]:
    """For pods with namespaces of their own."""
    limitations: list[Limitation] = []
    for container in _containers(pod):
        own = container.security_context
        if own is not None and own.allow_privilege_escalation:
            message = f"container {container.name}: allowPrivilegeEscalation: set-user-ID programs gain nothing here"
            limitations.append(Limitation("NoEffect", message))
    return [*limitations, *_empty_dirs(pod)]


def _empty_dirs(pod: Pod) -> Iterator[Limitation]:
    """An emptyDir is a folder of the home, which the pod's containers share whatever its medium is."""
    for volume in pod.spec.volumes:
        source = volume.empty_dir
        if source is not None and source.medium:
            message = f'volume {volume.name}: emptyDir.medium "{source.medium}": it is a folder on the disk here'
            yield Limitation("NoEffect", message)


def _containers(pod: Pod) -> tuple[Container, ...]:
    return (*pod.spec.init_containers, *pod.spec.containers)


def _pod_fields(pod: Pod) -> Iterator[str]:
    """The paths of the fields, as they are written in the manifest."""
    spec, context = pod.spec, pod.spec.security_context
    if context is not None:
        numbers = {
            "runAsUser": context.run_as_user,
            "runAsGroup": context.run_as_group,
            "fsGroup": context.fs_group,
            "supplementalGroups": context.supplemental_groups or None,
        }
        yield from (f"spec.securityContext.{name}" for name, value in numbers.items() if value is not None)
    for name, is_set in (
        ("hostAliases", bool(spec.host_aliases)),
        ("dnsPolicy", spec.dns_policy not in ("", "ClusterFirst")),
        ("dnsConfig", bool(spec.dns_config)),
        ("subdomain", bool(spec.subdomain)),
    ):
        if is_set:
            yield f"spec.{name}"


def _container_fields(container: Container) -> Iterator[str]:
    context = container.security_context
    if context is None:
        return
    at = f'spec.containers[name="{container.name}"].securityContext'
    for name, is_set in (
        ("runAsUser", context.run_as_user is not None),
        ("runAsGroup", context.run_as_group is not None),
        ("capabilities", bool(context.capabilities)),
        ("readOnlyRootFilesystem", bool(context.read_only_root_filesystem)),
        ("allowPrivilegeEscalation", context.allow_privilege_escalation is False),
    ):
        if is_set:
            yield f"{at}.{name}"
