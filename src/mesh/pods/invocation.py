"""From a container's manifest to the process that it stands for: command, environment and working directory."""

from pathlib import Path
from typing import Any

from mesh.pods.dependencies import PodDependencies
from mesh.pods.environment import ConfigError, Surroundings, environment
from mesh.pods.expansion import expand
from mesh.pods.image_programs import ImageProgram, ImagesError
from mesh.pods.runtime.interface import ProcessSpec, Sandbox
from mesh.pods.volumes import make_volumes
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.pod import Container, Pod
from mesh.resources.core.service import Service
from mesh.resources.validation.image_map import CONFIG_MAP, KEY
from mesh.resources.values.ref import Ref


class NotYet(Exception):
    """The container cannot be started now: Kubernetes' reason for waiting, and a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def process_spec(pod: Pod, container: Container, sandbox: Sandbox, dependencies: PodDependencies) -> ProcessSpec:
    """Works out what the container runs. Raises NotYet."""
    program = None if container.command else _program(pod, container, dependencies)
    try:
        variables = environment(pod, container, _surroundings(pod, sandbox, dependencies, program))
    except ConfigError as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None
    except OSError as error:
        raise NotYet("CreateContainerConfigError", f"{error.filename}: {error.strerror}") from None
    words = program.words(container.args) if program is not None else [*container.command, *container.args]
    # The manifest's workingDir is a folder in the image. Where the image's program is of this machine, its own counts.
    folder = (program.working_dir if program is not None else "") or container.working_dir
    argv = [expand(word, variables) for word in words]
    return ProcessSpec(container.name, argv, variables, Path(folder) if folder else sandbox.folder)


def _surroundings(
    pod: Pod, sandbox: Sandbox, dependencies: PodDependencies, program: ImageProgram | None
) -> Surroundings:
    namespace = pod.metadata.namespace or ""

    def typed(kind: str, name: str) -> Any:
        stored = dependencies.objects.store.get(Ref("", kind, namespace, name))
        return None if stored is None else stored.typed

    def config_map(name: str) -> ConfigMap | None:
        value: ConfigMap | None = typed("ConfigMap", name)
        return value

    def secret(name: str) -> Secret | None:
        value: Secret | None = typed("Secret", name)
        return value

    return Surroundings(
        home=dependencies.home,
        node_name=dependencies.settings.node_name,
        host_ip=dependencies.settings.host_ip,
        pod_ip=sandbox.ip,
        proxy_port=dependencies.settings.proxy_port,
        services=dependencies.objects.store.of(Service, namespace),
        config_map=config_map,
        secret=secret,
        image=program.environment if program is not None else {},
        volumes=make_volumes(pod, sandbox.folder, config_map, secret),
    )


def _program(pod: Pod, container: Container, dependencies: PodDependencies) -> ImageProgram:
    try:
        program = dependencies.images.resolve(container.image, pod.metadata.namespace)
    except ImagesError as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None
    if program is None:
        raise NotYet("ErrImageNeverPull", _no_command(pod, container, dependencies.home))
    return program


def _no_command(pod: Pod, container: Container, home: Path) -> str:
    return (
        f'container "{container.name}" has no command, and nothing is known about its image "{container.image}": '
        f"images are not pulled here. Say which program stands for it, in {home / KEY} or under {KEY} in the "
        f"ConfigMap {pod.metadata.namespace}/{CONFIG_MAP}:\n"
        f"images:\n"
        f'  - image: "{container.image}"\n'
        f"    command: [my-program, --port, $(PORT)]\n"
        f"or set the command in Pod {pod.metadata.namespace}/{pod.metadata.name}: "
        f'spec.containers[name="{container.name}"].command (in a Deployment under spec.template)'
    )
