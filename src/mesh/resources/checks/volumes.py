"""What a pod's volumes and their mounts can get wrong."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from mesh.resources.core.pod import (
    ConfigMapVolumeSource,
    Container,
    KeyToPath,
    PodSpec,
    SecretVolumeSource,
    Volume,
)
from mesh.resources.values.names import none_of, wrong_label, wrong_subdomain
from mesh.resources.values.problems import FieldError, Reason, duplicate, forbidden, required

Errors = Iterator[FieldError]
MOST_PERMISSIVE = 0o777


def check_volumes(spec: PodSpec, base: str) -> Errors:
    """Everything wrong with the volumes of a pod."""
    seen: set[str] = set()
    for number, volume in enumerate(spec.volumes):
        path = f"{base}.volumes[{number}]"
        if not volume.name:
            yield required(f"{path}.name")
        elif wrong := wrong_label(volume.name):
            yield FieldError(f"{path}.name", wrong)
        if volume.name in seen:
            yield duplicate(f"{path}.name", volume.name)
        seen.add(volume.name)
        yield from _volume(volume, path)


def check_mounts(container: Container, path: str, volumes: set[str]) -> Errors:
    """Everything wrong with what a container mounts; `volumes` are the names that the pod has."""
    mounted: set[str] = set()
    for number, mount in enumerate(container.volume_mounts):
        where = f"{path}.volumeMounts[{number}]"
        # Found now and not when the pod starts: the object that is wrong is still in the user's hands.
        if not mount.name:
            yield required(f"{where}.name")
        elif mount.name not in volumes:
            names = ", ".join(sorted(volumes)) or "none"
            message = f'"{mount.name}" is not a volume of the pod (it has {names})'
            yield FieldError(f"{where}.name", message, reason=Reason.NOT_FOUND)
        if not mount.mount_path:
            yield required(f"{where}.mountPath")
        elif mount.mount_path in mounted:
            yield FieldError(f"{where}.mountPath", f'duplicate "{mount.mount_path}"')
        mounted.add(mount.mount_path)
        if mount.sub_path and mount.sub_path_expr:
            yield FieldError(f"{where}.subPathExpr", "cannot be used with subPath")
        for name, sub_path in (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr)):
            if wrong := _wrong_path(sub_path):
                yield FieldError(f"{where}.{name}", wrong)
        if mount.mount_propagation:
            valid = ("Bidirectional", "HostToContainer", "None")
            yield from none_of(mount.mount_propagation, valid, f"{where}.mountPropagation")


def _volume(volume: Volume, path: str) -> Errors:
    sources = [name for name, attribute in _sources() if getattr(volume, attribute) is not None]
    for name in sources[1:]:
        # The second is what is too much, as Kubernetes sees it.
        yield forbidden(f"{path}.{name}", f"needs exactly one source, and has {' and '.join(sources)}")
    for name, source in (("configMap", volume.config_map), ("secret", volume.secret)):
        if source is not None:
            yield from _keys_source(source, f"{path}.{name}")
    if volume.projected is not None:
        yield from _mode(volume.projected.get("defaultMode"), f"{path}.projected.defaultMode")
    if volume.downward_api is not None:
        yield from _mode(volume.downward_api.get("defaultMode"), f"{path}.downwardAPI.defaultMode")
    if volume.config_map is not None and not volume.config_map.name:
        yield required(f"{path}.configMap.name")
    if volume.secret is not None and not volume.secret.secret_name:
        yield required(f"{path}.secret.secretName")
    if volume.persistent_volume_claim is not None:
        yield from _claim(volume.persistent_volume_claim, f"{path}.persistentVolumeClaim.claimName")
    if volume.host_path is not None:
        yield from _host_path(volume.host_path.path, f"{path}.hostPath.path")


@cache
def _sources() -> tuple[tuple[str, str], ...]:
    """The sources that a volume can have: the JSON field and the attribute."""
    fields = msgspec.structs.fields(Volume)
    return tuple((field.encode_name, field.name) for field in fields if field.name != "name")


def _claim(claim: Mapping[str, Any], path: str) -> Errors:
    # It names a folder of the mesh's home.
    if not claim.get("claimName"):
        yield required(path)
    elif wrong := wrong_subdomain(str(claim["claimName"])):
        yield FieldError(path, wrong)


def _host_path(host_path: str, path: str) -> Errors:
    if not host_path:
        yield required(path)
    elif not host_path.startswith("/"):
        yield FieldError(path, f'"{host_path[:80]}" does not begin with "/"')
    elif ".." in host_path.split("/"):
        yield FieldError(path, 'contains ".."')


def _keys_source(source: ConfigMapVolumeSource | SecretVolumeSource, path: str) -> Errors:
    yield from _mode(source.default_mode, f"{path}.defaultMode")
    yield from _items(source.items, path)


def _items(items: Sequence[KeyToPath], path: str) -> Errors:
    for number, item in enumerate(items):
        where = f"{path}.items[{number}]"
        if not item.key:
            yield required(f"{where}.key")
        if not item.path:
            yield required(f"{where}.path")
        elif _wrong_path(item.path):
            yield FieldError(f"{where}.path", f'"{item.path[:80]}" is not a path within the volume')
        yield from _mode(item.mode, f"{where}.mode")


def _mode(mode: int | None, path: str) -> Errors:
    if mode is not None and not 0 <= mode <= MOST_PERMISSIVE:
        yield FieldError(path, f"{mode} is not in 0-{MOST_PERMISSIVE} (0o777)")


def _wrong_path(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        return f'"{path[:80]}" is not a path within the volume: relative, without ".."'
    return ""
