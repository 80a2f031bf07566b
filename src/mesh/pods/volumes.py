"""Volumes of a pod: folders of the machine, and where containers see them.

A volume is made when the first container starts, as on Kubernetes; ConfigMaps, Secrets, projected volumes and
downward API files are brought up to date while the pod runs (`refresh_volumes`). Their files are replaced all at once,
as the kubelet does it: the volume has a symlink for each file into `..data`, which is itself a symlink to the folder
of one state. Source: Kubernetes' Volume, VolumeMount and "Projected Volumes".
"""

import base64
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mesh.pods.environment import ConfigError, field_value, resource_value
from mesh.pods.expansion import expand
from mesh.pods.sandbox.spec import Mount
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.pod import Container, HostPathVolumeSource, KeyToPath, Pod, Volume, VolumeMount

FILE_MODE = 0o644
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
TOKEN_VOLUME = "kube-api-access"  # noqa: S105 - a name


class VolumeFile(NamedTuple):
    """A file of a volume. `mode` are permission bits."""

    data: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class VolumeSources:
    """What volumes are made of. `claim` gives the folder of a PersistentVolumeClaim, or raises ConfigError; those that
    the mesh has provisioned lie in `claims`.

    `access` gives what a pod needs to ask the mesh's API, as files by name: token, ca.crt, namespace.
    `automount` is what the pod's ServiceAccount says about the token's volume, for pods that say nothing themselves.
    `owner` is the user and group of the pod's files when it is not the mesh's own; with `passes_group_on` (fsGroup)
    what is made in its folders gets that group, too.
    `home` is the mesh's folder, which no hostPath leads into.
    """

    claims: Path
    claim: Callable[[str], HostPathVolumeSource]
    config_map: Callable[[str], ConfigMap | None] = lambda name: None
    secret: Callable[[str], Secret | None] = lambda name: None
    access: Callable[[Pod], Mapping[str, bytes]] = lambda pod: {}
    fields: Mapping[str, str] = field(default_factory=dict)
    automount: bool = True
    owner: tuple[int, int] | None = None
    passes_group_on: bool = False
    home: Path | None = None


def make_volumes(pod: Pod, folder: Path, sources: VolumeSources) -> dict[str, Path]:
    """Makes the volumes that some container mounts, and the API's token; returns their paths by name.

    Raises ConfigError, in Kubernetes' words, when something that a volume refers to is missing.
    """
    mounted = {mount.name for container in _containers(pod) for mount in container.volume_mounts}
    paths = {volume.name: _make(pod, volume, folder, sources) for volume in pod.spec.volumes if volume.name in mounted}
    if _wants_token(pod, sources) and (files := sources.access(pod)):
        path = folder / "volumes" / TOKEN_VOLUME
        _replace(path, {name: VolumeFile(data, FILE_MODE) for name, data in files.items()}, sources.owner)
        paths[TOKEN_VOLUME] = path
    return paths


def has_changing_volumes(pod: Pod) -> bool:
    """Whether some volume shows what may change while the pod runs."""
    return any(_changes(volume) for volume in pod.spec.volumes)


def _changes(volume: Volume) -> bool:
    return bool(volume.config_map or volume.secret or volume.projected or volume.downward_api)


def refresh_volumes(pod: Pod, folder: Path, sources: VolumeSources) -> None:
    """Brings the files of ConfigMaps, Secrets and the like up to date. What is missing by now stays as it was."""
    for volume in pod.spec.volumes:
        path = folder / "volumes" / volume.name
        if path.is_dir() and _changes(volume):
            try:
                _make(pod, volume, folder, sources)
            except ConfigError:
                continue


def volume_mounts(
    pod: Pod, container: Container, paths: Mapping[str, Path], variables: Mapping[str, str]
) -> tuple[Mount, ...]:
    """Where a container sees its volumes, outer folders first. Raises ConfigError for a subPath that leads out."""
    volumes = {volume.name: volume for volume in pod.spec.volumes}
    mounts = [
        _mount(mount, volumes[mount.name], paths[mount.name], variables)
        for mount in container.volume_mounts
        if mount.name in paths
    ]
    if TOKEN_VOLUME in paths and all(mount.target != TOKEN_FOLDER for mount in mounts):
        mounts.append(Mount(TOKEN_FOLDER, str(paths[TOKEN_VOLUME]), read_only=True))
    return tuple(sorted(mounts, key=lambda mount: mount.target.count("/")))


def _mount(mount: VolumeMount, volume: Volume, path: Path, variables: Mapping[str, str]) -> Mount:
    inner = expand(mount.sub_path_expr, variables) if mount.sub_path_expr else mount.sub_path
    source, target = path, mount.mount_path.rstrip("/") or "/"
    if inner:
        source = path / inner
        if ".." in Path(inner).parts or inner.startswith("/"):
            raise ConfigError(f'volume "{mount.name}": subPath "{inner}" leads out of the volume')
        # Seen through `..data`, a file of a ConfigMap would vanish with the next state: its present one is mounted.
        # Before anything is made: the pod may have put a link there, and the mesh may be root's.
        source = source.resolve()
        if path.resolve() not in source.parents:
            raise ConfigError(f'volume "{mount.name}": subPath "{inner}" leads out of the volume')
        if not source.exists():
            source.mkdir(parents=True, exist_ok=True)
    return Mount(target, str(source), read_only=mount.read_only or _is_read_only(volume))


def _is_read_only(volume: Volume) -> bool:
    claim = volume.persistent_volume_claim
    return _changes(volume) or bool(claim and claim.get("readOnly"))


def _make(pod: Pod, volume: Volume, folder: Path, sources: VolumeSources) -> Path:
    path = folder / "volumes" / volume.name
    if volume.host_path is not None:
        return _host_path(volume.name, volume.host_path, sources.home)
    if volume.persistent_volume_claim is not None:
        source = sources.claim(str(volume.persistent_volume_claim.get("claimName", "")))
        path = Path(source.path)
        # Resolved: a pod may have put a link into its own volume.
        if not path.resolve().is_relative_to(sources.claims.resolve()):
            # A volume that somebody has written: what holds for a hostPath holds for it.
            return _host_path(volume.name, source, sources.home)
        _make_folder(path, sources)
    elif volume.empty_dir is not None or volume.ephemeral is not None:
        _make_folder(path, sources)
    elif (files := _files(pod, volume, sources)) is not None:
        _replace(path, files, sources.owner)
    else:
        kinds = "emptyDir, configMap, secret, projected, downwardAPI, persistentVolumeClaim, ephemeral and hostPath"
        raise ConfigError(f'volume "{volume.name}": of its kind none can be made here; possible are {kinds}')
    return path


def _make_folder(path: Path, sources: VolumeSources) -> None:
    """An empty folder that the pod can write to; one that is there already keeps what is in it."""
    owner = sources.owner
    if not path.is_dir():
        path.mkdir(parents=True, mode=0o777)
        # Whoever the pod runs as, as with Kubernetes' own emptyDir; the folders above let nobody in.
        path.chmod(0o777)
        if owner is not None:
            os.chown(path, *owner)
    if owner is not None and sources.passes_group_on and not _belongs_to_group(path, owner[1]):
        # Kubernetes' fsGroup with the policy OnRootMismatch: once, and not at every start.
        for folder, _, files in os.walk(path):
            for file in files:
                _give_to_group(Path(folder, file), owner[1], 0o660)
            _give_to_group(Path(folder), owner[1], 0o2770)


def _belongs_to_group(folder: Path, group: int) -> bool:
    status = folder.stat()
    return status.st_gid == group and bool(status.st_mode & stat.S_ISGID)


def _give_to_group(path: Path, group: int, mode: int) -> None:
    if not path.is_symlink():
        os.chown(path, -1, group)
        path.chmod(stat.S_IMODE(path.stat().st_mode) | mode)


def _host_path(name: str, source: HostPathVolumeSource, home: Path | None) -> Path:
    """Kubernetes' HostPathVolumeSource: what is checked and made depends on its type."""
    path, kind = Path(source.path), source.type or ""
    # Whoever reads the token there is the mesh's user. (In a folder above, the agent covers the home.)
    if home is not None and path.resolve().is_relative_to(home.resolve()):
        raise ConfigError(f'volume "{name}": hostPath {path} is in the mesh\'s own folder, which no pod may see')
    if kind in ("DirectoryOrCreate", "FileOrCreate") and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o755) if kind == "DirectoryOrCreate" else path.touch(0o644)
    expected = {"Directory": path.is_dir, "DirectoryOrCreate": path.is_dir, "File": path.is_file}.get(kind)
    if expected is not None and not expected():
        actual = "is not there" if not path.exists() else "is something else"
        raise ConfigError(f"hostPath type check failed: {path} is not a {kind}: it {actual}")
    if not path.exists():
        raise ConfigError(f'volume "{name}": {path} is not there; type DirectoryOrCreate makes it')
    return path


def _files(pod: Pod, volume: Volume, sources: VolumeSources) -> dict[str, VolumeFile] | None:
    """The files of a volume of this kind by their path; None for other kinds."""
    if volume.config_map is not None:
        source = volume.config_map
        data = _config_map(source.name or "", sources, volume.name, optional=bool(source.optional))
        return _chosen(data, source.items, _mode(source.default_mode))
    if volume.secret is not None:
        secret = volume.secret
        data = _secret(secret.secret_name or "", sources, volume.name, optional=bool(secret.optional))
        return _chosen(data, secret.items, _mode(secret.default_mode))
    if volume.downward_api is not None:
        mode = _mode(volume.downward_api.get("defaultMode"))
        return _downward(pod, volume.downward_api.get("items") or [], sources, mode)
    if volume.projected is not None:
        return _projected(pod, volume, sources)
    return None


def _projected(pod: Pod, volume: Volume, sources: VolumeSources) -> dict[str, VolumeFile]:
    assert volume.projected is not None
    mode = _mode(volume.projected.get("defaultMode"))
    files: dict[str, VolumeFile] = {}
    for source in volume.projected.get("sources") or []:
        if (part := source.get("configMap")) is not None:
            data = _config_map(part.get("name", ""), sources, volume.name, optional=bool(part.get("optional")))
            files |= _chosen(data, _items(part), mode)
        elif (part := source.get("secret")) is not None:
            data = _secret(part.get("name", ""), sources, volume.name, optional=bool(part.get("optional")))
            files |= _chosen(data, _items(part), mode)
        elif (part := source.get("downwardAPI")) is not None:
            files |= _downward(pod, part.get("items") or [], sources, mode)
        elif (part := source.get("serviceAccountToken")) is not None:
            token = sources.access(pod).get("token", b"")
            files[str(part.get("path", "token"))] = VolumeFile(token, 0o600 if sources.owner else mode)
    return files


def _items(part: Mapping[str, Any]) -> list[KeyToPath]:
    return [KeyToPath(key=item["key"], path=item["path"], mode=item.get("mode")) for item in part.get("items") or []]


def _config_map(name: str, sources: VolumeSources, volume: str, *, optional: bool) -> dict[str, bytes]:
    config = sources.config_map(name)
    if config is None:
        return _missing("configmap", name, volume, optional=optional)
    plain = {key: value.encode() for key, value in (config.data or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (config.binary_data or {}).items()}


def _secret(name: str, sources: VolumeSources, volume: str, *, optional: bool) -> dict[str, bytes]:
    secret = sources.secret(name)
    if secret is None:
        return _missing("secret", name, volume, optional=optional)
    return {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}


def _missing(kind: str, name: str, volume: str, *, optional: bool) -> dict[str, bytes]:
    if optional:
        return {}
    raise ConfigError(f'MountVolume.SetUp failed for volume "{volume}" : {kind} "{name}" not found')


def _chosen(data: Mapping[str, bytes], items: Iterable[KeyToPath], mode: int) -> dict[str, VolumeFile]:
    items = list(items)
    if not items:
        return {name: VolumeFile(content, mode) for name, content in data.items()}
    return {
        item.path: VolumeFile(data[item.key], mode if item.mode is None else item.mode)
        for item in items
        if item.key in data
    }


def _downward(pod: Pod, items: Iterable[Mapping[str, Any]], sources: VolumeSources, mode: int) -> dict[str, VolumeFile]:
    files: dict[str, VolumeFile] = {}
    containers = {container.name: container for container in _containers(pod)}
    for item in items:
        if (reference := item.get("fieldRef")) is not None:
            text = _field(pod, str(reference.get("fieldPath", "")), sources)
        else:
            part = item.get("resourceFieldRef") or {}
            container = containers[str(part.get("containerName", ""))]
            text = resource_value(str(part.get("resource", "")), str(part.get("divisor") or ""), container)
        files[str(item["path"])] = VolumeFile(text.encode(), _mode(item.get("mode"), mode))
    return files


def _field(pod: Pod, path: str, sources: VolumeSources) -> str:
    """A field as a file shows it: labels and annotations whole, one to a line, in the order of their keys."""
    if path in ("metadata.labels", "metadata.annotations"):
        values = (pod.metadata.labels if path == "metadata.labels" else pod.metadata.annotations) or {}
        quoted = {
            key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, value in values.items()
        }
        return "\n".join(f'{key}="{quoted[key]}"' for key in sorted(quoted))
    return field_value(path, pod, sources.fields)


def _mode(value: Any, default: int = FILE_MODE) -> int:
    return default if value is None else int(value)


def _wants_token(pod: Pod, sources: VolumeSources) -> bool:
    """The pod's own word counts before its ServiceAccount's."""
    own = pod.spec.automount_service_account_token
    return sources.automount if own is None else own


def _containers(pod: Pod) -> list[Container]:
    return [*pod.spec.init_containers, *pod.spec.containers]


def _replace(path: Path, files: Mapping[str, VolumeFile], owner: tuple[int, int] | None) -> None:
    """Makes the volume show `files`, all at once. Raises ConfigError for a path that leads out of the volume."""
    for name in files:
        if name.startswith("/") or ".." in Path(name).parts or not Path(name).parts:
            raise ConfigError(f'volume "{path.name}": path "{name}" leads out of the volume')
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
    current = path / "..data"
    previous = current.resolve() if current.is_symlink() else None
    if previous is not None and _contents(previous) == dict(files):
        return
    number = 0 if previous is None else int(previous.name.rpartition("-")[2]) + 1
    state = path / f"..state-{number}"
    for name, content in files.items():
        target = state / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        target.write_bytes(content.data)
        if owner is not None:
            os.chown(target, *owner)
        target.chmod(content.mode)
    state.mkdir(exist_ok=True, mode=0o755)
    fresh = path / "..data_tmp"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(state.name)
    fresh.rename(current)
    tops = {Path(name).parts[0] for name in files}
    for top in tops:
        if not (path / top).is_symlink():
            (path / top).symlink_to(Path("..data") / top)
    for entry in path.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in tops:
            entry.unlink()
    if previous is not None:
        shutil.rmtree(previous, ignore_errors=True)


def _contents(state: Path) -> dict[str, VolumeFile]:
    return {
        str(file.relative_to(state)): VolumeFile(file.read_bytes(), file.stat().st_mode & 0o777)
        for file in state.rglob("*")
        if file.is_file()
    }
