"""An image's configuration combined with a container's manifest, as Kubernetes combines them. Pure.

Sources: Kubernetes' Container.command and .args, PodSecurityContext; containerd's CRI plugin for user and groups.
"""

import os
import signal
from collections.abc import Mapping
from typing import NamedTuple

from mesh.images.manifest import RunConfig
from mesh.pods.expansion import expand
from mesh.resources.core.pod import Container, Pod, PodSecurityContext, SecurityContext

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ContainerImage(NamedTuple):
    """An image in the store that a container can run from. `layers` are folders below `folder`, the lowest first."""

    reference: str
    identity: str  # as containerStatuses[].imageID shows it
    folder: str
    layers: tuple[str, ...]
    config: RunConfig
    copied: bool = False


class UserRefused(Exception):
    """runAsNonRoot forbids the user; the message is the kubelet's."""


def command_line(container: Container, config: RunConfig, variables: Mapping[str, str]) -> list[str]:
    """`command` replaces entry point and arguments of the image, `args` alone its arguments. References to variables
    mean those of the manifest."""
    if container.command:
        return [expand(word, variables) for word in (*container.command, *container.args)]
    arguments = [expand(word, variables) for word in container.args] if container.args else (config.cmd or [])
    return [*(config.entrypoint or []), *arguments]


def image_environment(config: RunConfig) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in config.env or [])
    return {"PATH": DEFAULT_PATH, **{name: value for name, _, value in pairs if name}}


def user_of(pod: Pod, container: Container, config: RunConfig) -> str:
    """As whom it runs: `uid[:gid]` of the manifest before the image's `User`. Raises UserRefused."""
    pods, own = pod.spec.security_context or PodSecurityContext(), container.security_context or SecurityContext()
    uid = own.run_as_user if own.run_as_user is not None else pods.run_as_user
    refused = own.run_as_non_root if own.run_as_non_root is not None else pods.run_as_non_root
    if uid is not None:
        return str(uid)
    name = config.user.partition(":")[0]
    if refused:
        where = f'(pod: "{_pod_name(pod)}", container: {container.name})'
        if name in ("", "0", "root"):
            raise UserRefused(f"container has runAsNonRoot and image will run as root {where}")
        if not name.isdigit():
            raise UserRefused(
                f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root "
                f"{where}"
            )
    return config.user


def group_of(pod: Pod, container: Container) -> int | None:
    """runAsGroup, None when the manifest leaves it to the image."""
    pods, own = pod.spec.security_context or PodSecurityContext(), container.security_context or SecurityContext()
    return own.run_as_group if own.run_as_group is not None else pods.run_as_group


def more_groups(pod: Pod) -> tuple[int, ...]:
    context = pod.spec.security_context or PodSecurityContext()
    return (*context.supplemental_groups, *(() if context.fs_group is None else (context.fs_group,)))


def stop_signal(config: RunConfig | None) -> signal.Signals:
    """The image's STOPSIGNAL, by name or number; SIGTERM where it has none that Linux knows."""
    text = (config.stop_signal if config is not None else "").upper()
    try:
        if text.isdigit():
            return signal.Signals(int(text))
        return signal.Signals[text if text.startswith("SIG") else f"SIG{text}"]
    except (KeyError, ValueError):
        return signal.SIGTERM


def working_folder(container: Container, config: RunConfig) -> str:
    # Two slashes at the beginning would stay two.
    return os.path.normpath("/" + (container.working_dir or config.working_dir).lstrip("/"))


def _pod_name(pod: Pod) -> str:
    metadata = pod.metadata
    return f"{metadata.name}_{metadata.namespace}({metadata.uid})"
