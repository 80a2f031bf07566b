"""From a container's manifest to the process that it stands for: command, environment and working directory."""

import os
from pathlib import Path
from typing import Any

from mesh.pods.code_folder import CodeFolder
from mesh.pods.dependencies import PodDependencies
from mesh.pods.environment import ConfigError, Surroundings, environment, place_fields
from mesh.pods.expansion import expand
from mesh.pods.image_programs import ImageProgram, ImagesError
from mesh.pods.images.container_image import (
    ContainerImage,
    UserRefused,
    command_line,
    image_environment,
    user_of,
    working_folder,
)
from mesh.pods.obstacle import NotYet
from mesh.pods.runtime.interface import TERMINAL_TYPE, ProcessSpec, Sandbox
from mesh.pods.sandbox.spec import Mount
from mesh.pods.storage.volumes import source_of_claim
from mesh.pods.volumes import VolumeSources, make_volumes, volume_mounts
from mesh.resources.core.config import ConfigMap, Secret, ServiceAccount
from mesh.resources.core.ephemeral_container import EphemeralContainer
from mesh.resources.core.pod import Container, Pod
from mesh.resources.core.service import Service
from mesh.resources.validation.image_map import CONFIG_MAP, KEY
from mesh.resources.values.ref import Ref


def process_spec(
    pod: Pod, container: Container, sandbox: Sandbox, dependencies: PodDependencies, image: ContainerImage | None = None
) -> ProcessSpec:
    """Works out what the container runs: its image's program, or one of this machine. Raises NotYet."""
    _check_user(pod, container)
    user = _image_user(pod, container, image) if image is not None else ""
    program = None if container.command or image is not None else _program(pod, container, dependencies)
    objects = _Objects(pod.metadata.namespace or "", dependencies)
    try:
        paths = make_volumes(
            pod, sandbox.folder, volume_sources(pod, container, sandbox, dependencies, from_image=image is not None)
        )
        place = sandbox.variables(container, paths, from_image=image is not None)
        around = Surroundings(
            node_name=dependencies.settings.node_name,
            host_ip=sandbox.host_ip,
            pod_ip=sandbox.ip,
            variables=place,
            marks=sandbox.marks(container),
            services=dependencies.objects.store.of(Service, pod.metadata.namespace or ""),
            config_map=objects.config_map,
            secret=objects.secret,
            image=program.environment if program is not None else {},
            from_image=image is not None,
        )
        variables = environment(pod, container, around)
        mounts = volume_mounts(pod, container, paths, variables)
    except ConfigError as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None
    except OSError as error:
        raise NotYet("CreateContainerConfigError", f"{error.filename}: {error.strerror}") from None
    if image is not None:
        return _image_spec(container, image, user, variables, mounts)
    words = program.words(container.args) if program is not None else [*container.command, *container.args]
    program_folder = program.working_dir if program is not None else ""
    # The manifest's workingDir is a folder in the image. Where the image's program is of this machine, its own counts.
    folder = program_folder or container.working_dir
    if (code := CodeFolder.of(pod, container, program_folder)) is not None:
        folder = code.folder
        words, variables = code.words(words, os.path.exists), code.variables(variables, os.path.exists)
    # An images.yaml may use $(PORT) although a cluster would not set it.
    port = {"PORT": str(container.ports[0].container_port)} if container.ports else {}
    argv = [expand(word, port | variables) for word in words]
    if container.tty:
        variables.setdefault("TERM", TERMINAL_TYPE)
    place_to_run = Path(folder) if folder else sandbox.folder
    return ProcessSpec(container.name, argv, variables, place_to_run, mounts, container.stdin, container.tty)


def _image_user(pod: Pod, container: Container, image: ContainerImage) -> str:
    try:
        return user_of(pod, container, image.config)
    except UserRefused as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None


def _image_spec(
    container: Container, image: ContainerImage, user: str, variables: dict[str, str], mounts: tuple[Mount, ...]
) -> ProcessSpec:
    argv = command_line(container, image.config, variables)
    if not argv:
        raise NotYet(
            "CreateContainerError", f'no command specified: neither container "{container.name}" nor its image has one'
        )
    if container.tty:
        variables.setdefault("TERM", TERMINAL_TYPE)
    # What the manifest sets counts before what the image sets, and cannot refer to it: so on a cluster.
    environment = {**image_environment(image.config), **variables}
    folder = Path(working_folder(container, image.config))
    return ProcessSpec(
        container.name, argv, environment, folder, mounts, container.stdin, container.tty, image=image, user=user
    )


def _check_user(pod: Pod, container: Container) -> None:
    """Kubernetes' runAsNonRoot, in the kubelet's words. A container that names no user is never root here."""
    pods, own = pod.spec.security_context, container.security_context
    refused = own.run_as_non_root if own is not None and own.run_as_non_root is not None else None
    user = own.run_as_user if own is not None and own.run_as_user is not None else None
    if pods is not None:
        refused = pods.run_as_non_root if refused is None else refused
        user = pods.run_as_user if user is None else user
    if refused and user == 0:
        metadata = pod.metadata
        raise NotYet(
            "CreateContainerConfigError",
            "container's runAsUser breaks non-root policy "
            f'(pod: "{metadata.name}_{metadata.namespace}({metadata.uid})", container: {container.name})',
        )


def volume_sources(
    pod: Pod, container: Container, sandbox: Sandbox, dependencies: PodDependencies, *, from_image: bool
) -> VolumeSources:
    """What the pod's volumes are made of. All of them belong to the user of the container that is started first."""
    namespace, store = pod.metadata.namespace or "", dependencies.objects.store
    objects = _Objects(namespace, dependencies)
    settings = dependencies.settings
    return VolumeSources(
        claims=dependencies.home / "claims",
        claim=lambda name: source_of_claim(store, namespace, name),
        config_map=objects.config_map,
        secret=objects.secret,
        access=dependencies.access,
        fields=place_fields(settings.node_name, sandbox.ip, sandbox.host_ip),
        automount=objects.automount(pod.spec.service_account_name or "default"),
        owner=sandbox.owner(container, from_image=from_image),
        passes_group_on=pod.spec.security_context is not None and pod.spec.security_context.fs_group is not None,
        home=dependencies.home,
    )


class _Objects:
    """ConfigMaps and Secrets of a namespace."""

    def __init__(self, namespace: str, dependencies: PodDependencies) -> None:
        self._namespace = namespace
        self._store = dependencies.objects.store

    def config_map(self, name: str) -> ConfigMap | None:
        value: ConfigMap | None = self._typed("ConfigMap", name)
        return value

    def secret(self, name: str) -> Secret | None:
        value: Secret | None = self._typed("Secret", name)
        return value

    def automount(self, account: str) -> bool:
        """Whether a ServiceAccount lets pods have its token; one that nobody has written does."""
        value: ServiceAccount | None = self._typed("ServiceAccount", account)
        return value is None or value.automount_service_account_token is not False

    def _typed(self, kind: str, name: str) -> Any:
        stored = self._store.get(Ref("", kind, self._namespace, name))
        return None if stored is None else self._store.typed(stored)


def _program(pod: Pod, container: Container, dependencies: PodDependencies) -> ImageProgram:
    try:
        program = dependencies.images.resolve(container.image, pod.metadata.namespace)
    except ImagesError as error:
        raise NotYet("CreateContainerConfigError", str(error)) from None
    if program is None and isinstance(container, EphemeralContainer):
        # What images for debugging start: busybox, alpine, ubuntu, nicolaka/netshoot.
        return ImageProgram(("sh",))
    if program is None:
        raise NotYet("ErrImageNeverPull", _no_command(pod, container, dependencies.home))
    return program


def _no_command(pod: Pod, container: Container, home: Path) -> str:
    return (
        f'container "{container.name}" has no command, and no program is registered for its image "{container.image}": '
        f"images are not pulled here. Register one in {home / KEY} or under {KEY} in the "
        f"ConfigMap {pod.metadata.namespace}/{CONFIG_MAP}:\n"
        f"images:\n"
        f'  - image: "{container.image}"\n'
        f"    command: [my-program, --port, $(PORT)]\n"
        f"or set the command in Pod {pod.metadata.namespace}/{pod.metadata.name}: "
        f'spec.containers[name="{container.name}"].command (in a Deployment under spec.template)'
    )
