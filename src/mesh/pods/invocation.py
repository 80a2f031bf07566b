"""From a container's manifest to what is started: command, environment and folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh.pods.environment import ConfigError, Surroundings, environment
from mesh.pods.expansion import expand
from mesh.pods.image_programs import ImageProgram, ImagesError
from mesh.pods.shared import Room
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


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started."""

    argv: list[str]
    environment: dict[str, str]
    folder: Path


def launch(pod: Pod, container: Container, ip: str, room: Room) -> Launch:
    """Works out what the container runs. Raises NotYet."""
    program = None if container.command else _program(pod, container, room)
    try:
        variables = environment(pod, container, _surroundings(pod, ip, room, program))
    except ConfigError as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None
    except OSError as error:
        raise NotYet("CreateContainerConfigError", f"{error.filename}: {error.strerror}") from None
    words = program.words(container.args) if program is not None else [*container.command, *container.args]
    folder = room.folder(pod.metadata.uid or "")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = (program.working_dir if program is not None else "") or container.working_dir
    return Launch([expand(word, variables) for word in words], variables, Path(wanted) if wanted else folder)


def _surroundings(pod: Pod, ip: str, room: Room, program: ImageProgram | None) -> Surroundings:
    namespace = pod.metadata.namespace or ""

    def typed(kind: str, name: str) -> Any:
        stored = room.objects.store.get(Ref("", kind, namespace, name))
        return None if stored is None else stored.typed

    def config_map(name: str) -> ConfigMap | None:
        found: ConfigMap | None = typed("ConfigMap", name)
        return found

    def secret(name: str) -> Secret | None:
        found: Secret | None = typed("Secret", name)
        return found

    return Surroundings(
        home=room.home,
        node_name=room.settings.node_name,
        host_ip=room.settings.host_ip,
        pod_ip=ip,
        proxy_port=room.settings.proxy_port,
        services=room.objects.store.of(Service, namespace),
        config_map=config_map,
        secret=secret,
        image=program.environment if program is not None else {},
        volumes=make_volumes(pod, room.folder(pod.metadata.uid or ""), config_map, secret),
    )


def _program(pod: Pod, container: Container, room: Room) -> ImageProgram:
    try:
        program = room.images.resolve(container.image, pod.metadata.namespace)
    except ImagesError as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None
    if program is None:
        raise NotYet("ErrImageNeverPull", _no_command(pod, container, room.home))
    return program


def _no_command(pod: Pod, container: Container, home: Path) -> str:
    return (
        f'container "{container.name}" has no command, and nothing is known about its image "{container.image}": '
        f"images are not pulled here. Say which program stands for it, in {home / KEY} or under {KEY} in the "
        f"ConfigMap {pod.metadata.namespace}/{CONFIG_MAP}:\n"
        f"images:\n"
        f'  - image: "{container.image}"\n'
        f"    command: [my-program, --port, $(PORT)]\n"
        f"or say the command in Pod {pod.metadata.namespace}/{pod.metadata.name}: "
        f'spec.containers[name="{container.name}"].command (in a Deployment under spec.template)'
    )
