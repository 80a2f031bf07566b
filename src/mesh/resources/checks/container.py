"""What a container can get wrong by itself."""

from collections.abc import Iterator

from mesh.resources.checks.container_environment import check_environment
from mesh.resources.checks.probes import check_handler, check_probe
from mesh.resources.checks.scheduling import check_resources
from mesh.resources.checks.volumes import check_mounts
from mesh.resources.core.pod import Container, ContainerPort, PodSecurityContext, SecurityContext
from mesh.resources.values.names import none_of, wrong_label, wrong_port, wrong_port_name
from mesh.resources.values.problems import FieldError, duplicate, forbidden, required

Errors = Iterator[FieldError]
PROTOCOLS = ("TCP", "UDP", "SCTP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
LARGEST_ID = 2**31 - 1


def check_container(container: Container, path: str, volumes: set[str]) -> Errors:
    """Everything wrong with a container; `volumes` are the names that its pod has."""
    if not container.name:
        yield required(f"{path}.name")
    elif wrong := wrong_label(container.name):
        yield FieldError(f"{path}.name", wrong)
    yield from _image(container, path)
    yield from _ports(container, path)
    yield from check_environment(container, path)
    for kind, probe in (
        ("startupProbe", container.startup_probe),
        ("readinessProbe", container.readiness_probe),
        ("livenessProbe", container.liveness_probe),
    ):
        if probe is not None:
            yield from check_probe(probe, f"{path}.{kind}", kind=kind)
    if container.lifecycle is not None:
        for hook, handler in (
            ("postStart", container.lifecycle.post_start),
            ("preStop", container.lifecycle.pre_stop),
        ):
            if handler is not None:
                yield from check_handler(handler, f"{path}.lifecycle.{hook}")
    if container.resources is not None:
        yield from check_resources(container.resources, f"{path}.resources")
    if container.security_context is not None:
        yield from check_identity(container.security_context, f"{path}.securityContext")
    yield from check_mounts(container, path, volumes)


def check_init_container(container: Container, path: str) -> Errors:
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
            yield forbidden(f"{path}.{name}", "cannot be used in an init container without restartPolicy Always")


def check_main_container(container: Container, path: str) -> Errors:
    """What only init containers have."""
    if container.restart_policy:
        yield forbidden(f"{path}.restartPolicy", "is for init containers; the pod's restartPolicy is meant here")


def check_identity(context: SecurityContext | PodSecurityContext, path: str) -> Errors:
    """Users and groups that are out of range."""
    for name, number in (("runAsUser", context.run_as_user), ("runAsGroup", context.run_as_group)):
        if number is not None and not 0 <= number <= LARGEST_ID:
            yield FieldError(f"{path}.{name}", f"{number} is not in 0-{LARGEST_ID}")


def _image(container: Container, path: str) -> Errors:
    # Not Kubernetes' rule, which wants an image: here a command on this machine is enough.
    if not container.image and not container.command:
        yield required(f"{path}.image", "is missing, and so is a command")
    if container.image != container.image.strip():
        yield FieldError(f"{path}.image", f'"{container.image[:80]}" begins or ends with a space')
    if container.image_pull_policy:
        yield from none_of(container.image_pull_policy, PULL_POLICIES, f"{path}.imagePullPolicy")
    if container.termination_message_policy:
        yield from none_of(container.termination_message_policy, MESSAGE_POLICIES, f"{path}.terminationMessagePolicy")


def _ports(container: Container, path: str) -> Errors:
    names: set[str] = set()
    on_host: set[str] = set()
    for number, port in enumerate(container.ports):
        where = f"{path}.ports[{number}]"
        yield from _port(port, where)
        if port.name and port.name in names:
            yield duplicate(f"{where}.name", port.name)
        names.add(port.name)
        if port.host_port:
            bound = f"{port.protocol}/{port.host_ip}/{port.host_port}"
            if bound in on_host:
                yield duplicate(f"{where}.hostPort", bound)
            on_host.add(bound)


def _port(port: ContainerPort, path: str) -> Errors:
    if not port.container_port:
        yield required(f"{path}.containerPort", "0 is not a port (1-65535)")
    elif wrong := wrong_port(port.container_port):
        yield FieldError(f"{path}.containerPort", wrong)
    if port.host_port and (wrong := wrong_port(port.host_port)):
        yield FieldError(f"{path}.hostPort", wrong)
    yield from none_of(port.protocol, PROTOCOLS, f"{path}.protocol")
    if port.name and (wrong := wrong_port_name(port.name)):
        yield FieldError(f"{path}.name", wrong)
