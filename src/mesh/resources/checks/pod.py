"""What a Pod or a pod template can get wrong: Kubernetes' validation, for the fields that have an effect here."""

import re
from collections.abc import Iterator
from typing import Any

from mesh.resources.core.pod import (
    Container,
    EnvFromSource,
    EnvVar,
    LifecycleHandler,
    Pod,
    PodSpec,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
    Volume,
)
from mesh.resources.values.names import (
    DATA_KEY,
    ENV_NAME,
    PORT_NAME,
    none_of,
    wrong_label,
    wrong_labels,
    wrong_port,
    wrong_subdomain,
)
from mesh.resources.values.problems import FieldError
from mesh.resources.values.quantities import quantity

Errors = Iterator[FieldError]
PROTOCOLS = ("TCP", "UDP", "SCTP")
POD_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs",
)  # fmt: skip
KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")
RESOURCE_FIELD = re.compile(r"(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)")
LONGEST_GRACE = 10 * 365 * 24 * 3600


def check_pod(pod: Pod) -> Errors:
    """Everything wrong with a Pod by itself."""
    return check_template(pod, "")


def check_template(template: PodTemplateSpec | Pod, at: str) -> Errors:
    """Everything wrong with a pod's spec; `at` is the path before it."""
    base = f"{at}.spec" if at else "spec"
    if at:
        yield from (
            FieldError(f"{at}.metadata.labels[{key}]", why) for key, why in wrong_labels(template.metadata.labels)
        )
    spec = template.spec
    if not spec.containers:
        yield FieldError(f"{base}.containers", "is empty; a pod needs at least one")
    if not 0 <= spec.termination_grace_period_seconds <= LONGEST_GRACE:
        yield FieldError(
            f"{base}.terminationGracePeriodSeconds",
            f"{spec.termination_grace_period_seconds} is not in 0-{LONGEST_GRACE} seconds",
        )
    yield from none_of(spec.restart_policy, ("Always", "OnFailure", "Never"), f"{base}.restartPolicy")
    if spec.service_account_name and (wrong := wrong_subdomain(spec.service_account_name)):
        yield FieldError(f"{base}.serviceAccountName", wrong)
    yield from _volumes(spec, base)
    volumes = {volume.name for volume in spec.volumes}
    seen: set[str] = set()
    for group, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for number, container in enumerate(containers):
            path = f"{base}.{group}[{number}]"
            if container.name in seen:
                yield FieldError(f"{path}.name", f'duplicate "{container.name}"')
            seen.add(container.name)
            yield from _container(container, path, volumes)
            yield from _init(container, path) if group == "initContainers" else _main(container, path)


def _init(container: Container, path: str) -> Errors:
    """An init container has no probes, since it ends before the next one starts, unless it is a sidecar."""
    if container.restart_policy == "Always":
        return
    if container.restart_policy:
        yield FieldError(f"{path}.restartPolicy", f'"{container.restart_policy}" is not Always, nor left out')
    for name, given in (
        ("startupProbe", container.startup_probe),
        ("readinessProbe", container.readiness_probe),
        ("livenessProbe", container.liveness_probe),
        ("lifecycle", container.lifecycle),
    ):
        if given is not None:
            yield FieldError(f"{path}.{name}", "cannot be used in an init container without restartPolicy Always")


def _main(container: Container, path: str) -> Errors:
    if container.restart_policy:
        yield FieldError(f"{path}.restartPolicy", "is for init containers; the pod's restartPolicy is meant here")


def _container(container: Container, path: str, volumes: set[str]) -> Errors:
    if wrong := wrong_label(container.name):
        yield FieldError(f"{path}.name", wrong)
    # Not Kubernetes' rule, which wants an image: here a command on this machine is enough.
    if not container.image and not container.command:
        yield FieldError(f"{path}.image", "is missing, and so is a command")
    names: set[str] = set()
    for number, port in enumerate(container.ports):
        where = f"{path}.ports[{number}]"
        if wrong := wrong_port(port.container_port):
            yield FieldError(f"{where}.containerPort", wrong)
        yield from none_of(port.protocol, PROTOCOLS, f"{where}.protocol")
        if port.name and not PORT_NAME.fullmatch(port.name):
            yield FieldError(
                f"{where}.name", f'"{port.name}" is not a port\'s name: 15 lower-case letters, digits and "-"'
            )
        if port.name and port.name in names:
            yield FieldError(f"{where}.name", f'duplicate "{port.name}"')
        names.add(port.name)
    for number, variable in enumerate(container.env):
        yield from _variable(variable, f"{path}.env[{number}]")
    for number, source in enumerate(container.env_from):
        yield from _source(source, f"{path}.envFrom[{number}]")
    for probe_name, probe in (
        ("startupProbe", container.startup_probe),
        ("readinessProbe", container.readiness_probe),
        ("livenessProbe", container.liveness_probe),
    ):
        if probe is not None:
            yield from _probe(probe, f"{path}.{probe_name}", names, readiness=probe_name == "readinessProbe")
    if container.lifecycle is not None:
        for hook, handler in (
            ("postStart", container.lifecycle.post_start),
            ("preStop", container.lifecycle.pre_stop),
        ):
            if handler is not None:
                yield from _handler(handler, f"{path}.lifecycle.{hook}", names)
    if container.resources is not None:
        yield from _resources(container.resources, f"{path}.resources")
    mounted: set[str] = set()
    for number, mount in enumerate(container.volume_mounts):
        where = f"{path}.volumeMounts[{number}]"
        # Found now and not when the pod starts: the object that is wrong is still in the user's hands.
        if mount.name not in volumes:
            volume_names = ", ".join(sorted(volumes)) or "none"
            yield FieldError(f"{where}.name", f'"{mount.name}" is not a volume of the pod (it has {volume_names})')
        if mount.mount_path in mounted:
            yield FieldError(f"{where}.mountPath", f'duplicate "{mount.mount_path}"')
        mounted.add(mount.mount_path)


def _variable(variable: EnvVar, path: str) -> Errors:
    if not ENV_NAME.fullmatch(variable.name):
        yield FieldError(f"{path}.name", f'"{variable.name[:80]}" is not a variable\'s name')
    if "\0" in variable.value:
        yield FieldError(f"{path}.value", "contains a NUL character, which cannot be passed to a process")
    source = variable.value_from
    if source is None:
        return
    if variable.value:
        yield FieldError(f"{path}.valueFrom", "cannot be used with value")
    if source.file_key_ref is not None:
        yield FieldError(f"{path}.valueFrom.fileKeyRef", "is not supported here; use configMapKeyRef or secretKeyRef")
        return
    sources = {
        "fieldRef": source.field_ref,
        "configMapKeyRef": source.config_map_key_ref,
        "secretKeyRef": source.secret_key_ref,
        "resourceFieldRef": source.resource_field_ref,
    }
    yield from _one_of(sources, f"{path}.valueFrom")
    for name, keyed in (("configMapKeyRef", source.config_map_key_ref), ("secretKeyRef", source.secret_key_ref)):
        if keyed is None:
            continue
        if not keyed.name:
            yield FieldError(f"{path}.valueFrom.{name}.name", "is missing")
        if not DATA_KEY.fullmatch(keyed.key):
            yield FieldError(f"{path}.valueFrom.{name}.key", 'a key has letters, digits, "-", "_" and "."')
    field = source.field_ref
    if field is not None and field.field_path not in POD_FIELDS and not KEYED_FIELD.fullmatch(field.field_path):
        yield FieldError(
            f"{path}.valueFrom.fieldRef.fieldPath",
            f'"{field.field_path[:80]}" is not a field that a variable can have; use {", ".join(POD_FIELDS)}, '
            "metadata.labels['<key>'] or metadata.annotations['<key>']",
        )
    resource = source.resource_field_ref
    if resource is not None and not RESOURCE_FIELD.fullmatch(resource.resource):
        yield FieldError(
            f"{path}.valueFrom.resourceFieldRef.resource",
            f'"{resource.resource[:80]}" is none of limits.cpu, limits.memory, requests.cpu, requests.memory',
        )


def _source(source: EnvFromSource, path: str) -> Errors:
    yield from _one_of({"configMapRef": source.config_map_ref, "secretRef": source.secret_ref}, path)
    for name, reference in (("configMapRef", source.config_map_ref), ("secretRef", source.secret_ref)):
        if reference is not None and not reference.name:
            yield FieldError(f"{path}.{name}.name", "is missing")
    if source.prefix and not ENV_NAME.fullmatch(source.prefix):
        yield FieldError(f"{path}.prefix", f'"{source.prefix[:80]}" cannot begin a variable\'s name')


def _probe(probe: Probe, path: str, ports: set[str], *, readiness: bool) -> Errors:
    handlers = {"httpGet": probe.http_get, "tcpSocket": probe.tcp_socket, "exec": probe.exec, "grpc": probe.grpc}
    yield from _one_of(handlers, path)
    yield from _handler_parts(handlers, path, ports)
    for field, value, least in (
        ("initialDelaySeconds", probe.initial_delay_seconds, 0),
        ("periodSeconds", probe.period_seconds, 1),
        ("timeoutSeconds", probe.timeout_seconds, 1),
        ("successThreshold", probe.success_threshold, 1),
        ("failureThreshold", probe.failure_threshold, 1),
    ):
        if not least <= value < 2**31:
            yield FieldError(f"{path}.{field}", f"{value} is not in {least}-2147483647")
    # Kubernetes' rule: one success is what ends a start-up, or keeps a container alive.
    if not readiness and probe.success_threshold > 1:
        yield FieldError(f"{path}.successThreshold", f"{probe.success_threshold} is not 1, as it must be here")
    grace = probe.termination_grace_period_seconds
    if grace is not None and (readiness or grace < 1):
        why = (
            "cannot be used in a readiness probe, which never restarts anything" if readiness else f"{grace} is below 1"
        )
        yield FieldError(f"{path}.terminationGracePeriodSeconds", why)


def _handler(handler: LifecycleHandler, path: str, ports: set[str]) -> Errors:
    handlers = {
        "exec": handler.exec, "httpGet": handler.http_get, "sleep": handler.sleep, "tcpSocket": handler.tcp_socket,
    }  # fmt: skip
    yield from _one_of(handlers, path)
    yield from _handler_parts(handlers, path, ports)
    if handler.sleep is not None and handler.sleep.seconds < 0:
        yield FieldError(f"{path}.sleep.seconds", f"{handler.sleep.seconds} is below 0")


def _handler_parts(handlers: dict[str, Any], path: str, ports: set[str]) -> Errors:
    for name in ("httpGet", "tcpSocket", "grpc"):
        handler = handlers.get(name)
        if handler is None:
            continue
        if isinstance(handler.port, int):
            if wrong := wrong_port(handler.port):
                yield FieldError(f"{path}.{name}.port", wrong)
        # A name is looked up among the ports of the same container only, as in Kubernetes.
        elif handler.port not in ports:
            port_names = ", ".join(sorted(ports - {""})) or "none"
            yield FieldError(
                f"{path}.{name}.port", f'"{handler.port}" is not a port of this container (it has {port_names})'
            )
    get = handlers.get("httpGet")
    if get is not None:
        yield from none_of(get.scheme, ("HTTP", "HTTPS"), f"{path}.httpGet.scheme")
        # It would end the request line: what follows would be read as a header.
        if any(sign in get.path for sign in "\r\n "):
            yield FieldError(f"{path}.httpGet.path", "contains a space or a line break")
    run = handlers.get("exec")
    if run is not None and not run.command:
        yield FieldError(f"{path}.exec.command", "is empty")


def _resources(resources: ResourceRequirements, path: str) -> Errors:
    for group, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        for name, amount in amounts.items():
            try:
                if quantity(amount) < 0:
                    yield FieldError(f"{path}.{group}[{name}]", f"{amount} is below 0")
            except ValueError as error:
                yield FieldError(f"{path}.{group}[{name}]", str(error))


def _volumes(spec: PodSpec, base: str) -> Errors:
    seen: set[str] = set()
    for number, volume in enumerate(spec.volumes):
        path = f"{base}.volumes[{number}]"
        if wrong := wrong_label(volume.name):
            yield FieldError(f"{path}.name", wrong)
        if volume.name in seen:
            yield FieldError(f"{path}.name", f'duplicate "{volume.name}"')
        seen.add(volume.name)
        yield from _volume(volume, path)


def _volume(volume: Volume, path: str) -> Errors:
    given = [name for name in volume.__struct_fields__ if name != "name" and getattr(volume, name) is not None]
    if len(given) > 1:
        yield FieldError(path, "needs exactly one source, such as emptyDir or configMap")
    for name, source in (("configMap", volume.config_map), ("secret", volume.secret)):
        if source is None:
            continue
        for number, item in enumerate(source.items):
            if not item.path or item.path.startswith("/") or ".." in item.path.split("/"):
                yield FieldError(
                    f"{path}.{name}.items[{number}].path", f'"{item.path[:80]}" is not a path within the volume'
                )
    if volume.config_map is not None and not volume.config_map.name:
        yield FieldError(f"{path}.configMap.name", "is missing")
    if volume.secret is not None and not volume.secret.secret_name:
        yield FieldError(f"{path}.secret.secretName", "is missing")
    if volume.persistent_volume_claim is not None:
        claim = str(volume.persistent_volume_claim.get("claimName") or "")
        # It names a folder of the mesh's home.
        if wrong := wrong_subdomain(claim):
            yield FieldError(f"{path}.persistentVolumeClaim.claimName", wrong)
    if volume.host_path is not None and not volume.host_path.path.startswith("/"):
        yield FieldError(f"{path}.hostPath.path", f'"{volume.host_path.path[:80]}" does not begin with "/"')


def _one_of(choices: dict[str, Any], path: str) -> Errors:
    given = [name for name, value in choices.items() if value is not None]
    if len(given) != 1:
        actual = f"has {' and '.join(given)}" if given else "has none"
        yield FieldError(path, f"needs exactly one of {', '.join(choices)}; it {actual}")
