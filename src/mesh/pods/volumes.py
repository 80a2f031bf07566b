"""Volumes of a pod, as folders of its own.

A process has no mount namespace here, so that a volume cannot appear at its mountPath: it is made under the mesh's
home, its path is given in `MESHMALL_VOLUME_<NAME>`, and the pod's events say so.
"""

import base64
from collections.abc import Callable
from pathlib import Path

from mesh.pods.environment import ConfigError
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.pod import KeyToPath, Pod, Volume


def make_volumes(
    pod: Pod,
    folder: Path,
    config_map: Callable[[str], ConfigMap | None],
    secret: Callable[[str], Secret | None],
) -> dict[str, Path]:
    """Makes the volumes that some container mounts; returns their folders by name.

    Raises ConfigError when a ConfigMap or Secret is missing, or when the kind of volume is none of emptyDir,
    configMap, secret and hostPath.
    """
    mounted = {m.name for c in [*pod.spec.init_containers, *pod.spec.containers] for m in c.volume_mounts}
    found: dict[str, Path] = {}
    for volume in pod.spec.volumes:
        if volume.name not in mounted:
            continue
        if volume.host_path is not None:
            found[volume.name] = Path(volume.host_path.path)
            continue
        files = _files(volume, config_map, secret)
        place = folder / "volumes" / volume.name
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, data in files.items():
            target = place / name
            if place.resolve() not in target.resolve().parents:
                raise ConfigError(f'volume "{volume.name}": path "{name}" leads out of the volume')
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        found[volume.name] = place
    return found


def _files(
    volume: Volume, config_map: Callable[[str], ConfigMap | None], secret: Callable[[str], Secret | None]
) -> dict[str, bytes]:
    if volume.empty_dir is not None:
        return {}
    if volume.config_map is not None:
        name, optional, items = (
            volume.config_map.name or "",
            volume.config_map.optional,
            volume.config_map.items,
        )
        config = config_map(name)
        if config is not None:
            plain = {key: value.encode() for key, value in (config.data or {}).items()}
            binary = {key: base64.b64decode(value) for key, value in (config.binary_data or {}).items()}
            return _chosen(plain | binary, items)
        kind = "configmap"
    elif volume.secret is not None:
        name, optional, items = volume.secret.secret_name or "", volume.secret.optional, volume.secret.items
        found = secret(name)
        if found is not None:
            return _chosen({k: base64.b64decode(v) for k, v in (found.data or {}).items()}, items)
        kind = "secret"
    else:
        raise ConfigError(f'volume "{volume.name}": only emptyDir, configMap, secret and hostPath can be made here')
    if optional:
        return {}
    raise ConfigError(f'MountVolume.SetUp failed for volume "{volume.name}" : {kind} "{name}" not found')


def _chosen(data: dict[str, bytes], items: list[KeyToPath]) -> dict[str, bytes]:
    if not items:
        return data
    return {item.path: data[item.key] for item in items if item.key in data}
