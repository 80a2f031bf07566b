"""What the sandbox agent is asked to start for a container that runs from an image; its writable folders."""

import secrets
from collections.abc import Iterable
from pathlib import Path

from mesh.images.prune import LAYERS_FILE
from mesh.images.unpack.owners import CONTAINER_IDS, ROOT_BASE
from mesh.pods.images.container_image import group_of, more_groups
from mesh.pods.runtime.identity import identity_of
from mesh.pods.runtime.interface import ProcessSpec
from mesh.pods.sandbox.spec import ImageRoot, Mount
from mesh.pods.sandbox.spec import ProcessSpec as AgentSpec
from mesh.resources.core.pod import Container, Pod

ROOTS = "roots"


def image_spec(
    spec: ProcessSpec, pod: Pod, container: Container, hostname: str, files: Iterable[Mount], writable: Path
) -> AgentSpec:
    """The process of a container as the agent starts it. `spec.image` is given."""
    assert spec.image is not None
    identity = identity_of(pod, container)
    return AgentSpec(
        argv=tuple(spec.argv),
        env=dict(spec.environment),
        cwd=str(spec.folder),
        pod=pod.metadata.uid or "",
        name=spec.container,
        hostname=hostname,
        mounts=(*files, *spec.mounts),
        gid=group_of(pod, container),
        groups=more_groups(pod),
        capabilities=identity.capabilities,
        tty=spec.tty,
        read_only_root=identity.read_only_root,
        image=ImageRoot(
            folder=spec.image.folder,
            layers=spec.image.layers,
            writable=str(writable),
            copied=spec.image.copied,
            user=spec.user,
            volumes=tuple(spec.image.config.volumes or ()),
        ),
    )


def fresh_root(folder: Path, container: str, layers: Iterable[str]) -> Path:
    """A new folder for what a container changes; each start has its own, as on a cluster.

    A file in it names the layers, which are not removed from the disk as long as it is there.
    """
    path = folder / ROOTS / f"{container}.{secrets.token_hex(4)}"
    path.mkdir(parents=True, mode=0o755)
    (path / LAYERS_FILE).write_text("\n".join(layers))
    return path


def roots_of(folder: Path, container: str) -> list[Path]:
    """A container's folders, the latest last."""
    places = [path for path in (folder / ROOTS).glob(f"{container}.*") if path.name.rpartition(".")[0] == container]
    return sorted(places, key=lambda path: path.stat().st_mtime)


def volume_owner(pod: Pod, container: Container) -> tuple[int, int]:
    """Who owns a pod's volumes when the mesh runs as root: ids of the container, as the machine knows them."""
    context = pod.spec.security_context
    own = container.security_context
    uid = own.run_as_user if own is not None and own.run_as_user is not None else None
    if uid is None and context is not None:
        uid = context.run_as_user
    group = context.fs_group if context is not None else None
    return ROOT_BASE + (uid or 0) % CONTAINER_IDS, ROOT_BASE + (group or 0) % CONTAINER_IDS
