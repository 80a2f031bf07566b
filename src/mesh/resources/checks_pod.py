"""What a pod's template can get wrong."""

from collections.abc import Iterator, Sequence

from mesh.resources.names import ENV_NAME, PORT_NAME, wrong_label, wrong_labels, wrong_port
from mesh.resources.pod import Container, EnvVar, Pod, PodTemplateSpec, Probe
from mesh.resources.problems import FieldError

Errors = Iterator[FieldError]


def check_template(template: PodTemplateSpec | Pod, at: str) -> Errors:
    """Everything wrong with a pod's spec; `at` is the path before it."""
    base = f"{at}.spec" if at else "spec"
    spec = template.spec
    if at:
        yield from (
            FieldError(f"{at}.metadata.labels[{key}]", why) for key, why in wrong_labels(template.metadata.labels)
        )
    if not spec.containers:
        yield FieldError(f"{base}.containers", "is empty; a pod needs one at least")
    if spec.termination_grace_period_seconds < 0:
        yield FieldError(f"{base}.terminationGracePeriodSeconds", "is below 0")
    if spec.restart_policy not in ("Always", "OnFailure", "Never"):
        yield FieldError(f"{base}.restartPolicy", f'"{spec.restart_policy}" is none of Always, OnFailure, Never')
    seen: set[str] = set()
    groups: Sequence[tuple[str, Sequence[Container]]] = (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    )
    for group, containers in groups:
        for number, container in enumerate(containers):
            path = f"{base}.{group}[{number}]"
            if container.name in seen:
                yield FieldError(f"{path}.name", f'"{container.name}" stands twice')
            seen.add(container.name)
            yield from _container(container, path)


def _container(container: Container, path: str) -> Errors:
    if wrong := wrong_label(container.name):
        yield FieldError(f"{path}.name", wrong)
    if not container.image and not container.command:
        yield FieldError(f"{path}.image", "is missing")
    names: set[str] = set()
    for number, port in enumerate(container.ports):
        where = f"{path}.ports[{number}]"
        if wrong := wrong_port(port.container_port):
            yield FieldError(f"{where}.containerPort", wrong)
        if port.name and not PORT_NAME.fullmatch(port.name):
            yield FieldError(
                f"{where}.name", f'"{port.name}" is not a port\'s name: 15 lower-case letters, digits and "-"'
            )
        if port.name and port.name in names:
            yield FieldError(f"{where}.name", f'"{port.name}" stands twice')
        names.add(port.name)
    for number, variable in enumerate(container.env):
        yield from _variable(variable, f"{path}.env[{number}]")
    for name, probe in (
        ("startupProbe", container.startup_probe),
        ("readinessProbe", container.readiness_probe),
        ("livenessProbe", container.liveness_probe),
    ):
        if probe is not None:
            yield from _probe(probe, f"{path}.{name}", names, must_pass_once=name != "readinessProbe")


def _variable(variable: EnvVar, path: str) -> Errors:
    if not ENV_NAME.fullmatch(variable.name):
        yield FieldError(f"{path}.name", f'"{variable.name}" is not a variable\'s name')
    source = variable.value_from
    if source is None:
        return
    if variable.value:
        yield FieldError(f"{path}.valueFrom", "does not go with value")
    given = [
        each
        for each in (
            source.field_ref, source.config_map_key_ref, source.secret_key_ref, source.resource_field_ref,
        )
        if each is not None
    ]  # fmt: skip
    if len(given) != 1:
        yield FieldError(
            f"{path}.valueFrom",
            "needs exactly one of fieldRef, configMapKeyRef, secretKeyRef, resourceFieldRef",
        )


def _probe(probe: Probe, path: str, ports: set[str], *, must_pass_once: bool) -> Errors:
    handlers = [each for each in (probe.http_get, probe.tcp_socket, probe.exec, probe.grpc) if each is not None]
    if len(handlers) != 1:
        yield FieldError(path, "needs exactly one of httpGet, tcpSocket, exec, grpc")
    for name, handler in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
        if handler is None:
            continue
        if isinstance(handler.port, int):
            if wrong := wrong_port(handler.port):
                yield FieldError(f"{path}.{name}.port", wrong)
        elif handler.port not in ports:
            known = ", ".join(sorted(ports - {""})) or "none"
            yield FieldError(f"{path}.{name}.port", f'"{handler.port}" is no port of this container (it has {known})')
    for field, value, least in (
        ("initialDelaySeconds", probe.initial_delay_seconds, 0),
        ("periodSeconds", probe.period_seconds, 1),
        ("timeoutSeconds", probe.timeout_seconds, 1),
        ("successThreshold", probe.success_threshold, 1),
        ("failureThreshold", probe.failure_threshold, 1),
    ):
        if value < least:
            yield FieldError(f"{path}.{field}", f"{value} is below {least}")
    if must_pass_once and probe.success_threshold != 1:
        yield FieldError(f"{path}.successThreshold", f"{probe.success_threshold} is not 1, as it must be here")
