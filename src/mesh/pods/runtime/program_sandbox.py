"""What the sandbox agent is asked to start for a container that runs a program of this machine."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mesh.pods.runtime.identity import MESH_UID, identity_of
from mesh.pods.runtime.interface import ProcessSpec
from mesh.pods.runtime.pod_files import PodFiles
from mesh.pods.sandbox.needed import needed_paths
from mesh.pods.sandbox.spec import Mount
from mesh.pods.sandbox.spec import ProcessSpec as AgentSpec
from mesh.resources.core.pod import Container, Pod

# The part of a pod's folder that its containers see, as that folder.
WORK = "work"
# What a developer keeps in the own home and no pod has any business with.
PRIVATE_FOLDERS = (".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config/gcloud", ".netrc", ".pgpass")


def program_spec(
    spec: ProcessSpec, pod: Pod, container: Container, files: PodFiles, own: Path, home: Path
) -> AgentSpec:
    """The process of a container as the agent starts it. `own` is the pod's folder, `home` the mesh's."""
    identity = identity_of(pod, container)
    folder = str(spec.folder)
    # The mesh's home is hidden, and the pod's folder lies in it. A container sees a part of that alone: if it could
    # put a link in the place of a volume, the mesh would follow it with its own rights.
    own_folder = Mount(str(own), str(own / WORK), read_only=identity.read_only_root)
    needed = needed_paths(spec.argv, spec.environment, folder)
    shown = _shown_again(spec.mounts, needed, own_folder, home)
    user = Path.home()
    return AgentSpec(
        argv=tuple(spec.argv),
        env=dict(spec.environment),
        cwd=folder,
        pod=pod.metadata.uid or "",
        name=f"{spec.container}",
        hostname=files.hostname,
        mounts=(own_folder, *files.mounts(), *spec.mounts, *shown),
        hidden=(str(home), *(str(user / name) for name in PRIVATE_FOLDERS if (user / name).exists())),
        needed=needed,
        uid=identity.uid,
        gid=identity.gid,
        groups=identity.groups,
        root_uid=None if os.getuid() else MESH_UID,
        root_gid=None if os.getuid() else MESH_UID,
        capabilities=identity.capabilities,
        tty=spec.tty,
        read_only_root=identity.read_only_root,
    )


def _shown_again(volumes: Sequence[Mount], needed: Sequence[str], own_folder: Mount, home: Path) -> Iterable[Mount]:
    """What the volumes would cover and the program needs, its pod's own folder included."""
    paths = covered_paths(volumes, [*needed, sys.prefix, sys.base_prefix], home)
    yield from (Mount(path, path) for path in paths)
    if any(_contains(volume.target, own_folder.target) for volume in volumes):
        yield own_folder


def covered_paths(volumes: Sequence[Mount], needed: Iterable[str], home: Path) -> tuple[str, ...]:
    """What a program needs of the machine below the place of a volume: a volume at /tmp would hide a program there.

    Of each such path the entry directly below the volume's place, unless the volume has one of that name. Never the
    mesh's home nor a folder around it.
    """
    paths: dict[str, None] = {}
    for volume in volumes:
        for path in needed:
            if not _contains(volume.target, path):
                continue
            below = Path(volume.target) / Path(path).relative_to(volume.target).parts[0]
            if (
                _is_there(below)
                and not _is_there(Path(volume.source) / below.name)
                and below not in (home, *home.parents)
            ):
                paths[str(below)] = None
    return tuple(paths)


def _is_there(path: Path) -> bool:
    """Not Path.exists, which raises for what lies in a folder that this user may not enter."""
    return os.path.exists(path)  # noqa: PTH110


def _contains(folder: str, path: str) -> bool:
    return Path(folder) in Path(path).parents
