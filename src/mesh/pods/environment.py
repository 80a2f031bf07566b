"""The environment of a container: from the mesh, from the Services, and from the manifest.

Later ones win: a few inherited variables, the mesh's variables, the image's, Kubernetes' Service variables, `envFrom`,
`env`. Sources: Kubernetes' EnvVarSource, EnvFromSource, and "Accessing the Service" for the Service variables.
"""

import base64
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mesh.pods.expansion import expand
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.pod import Container, EnvFromSource, EnvVar, EnvVarSource, Pod
from mesh.resources.core.service import Service
from mesh.resources.values.quantities import quantity

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "LOGNAME")
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


class ConfigError(Exception):
    """A value that the manifest refers to does not exist; it may appear later."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container's environment is built from, besides its manifest.

    `variables` are those of the place where it runs (see `mesh.pods.runtime.interface.Sandbox`), which everything else
    overrides; nothing overrides `marks`, by which its processes are recognized.
    """

    node_name: str
    host_ip: str
    pod_ip: str
    variables: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    services: Iterable[Service] = ()
    config_map: Callable[[str], ConfigMap | None] = lambda name: None
    secret: Callable[[str], Secret | None] = lambda name: None
    image: Mapping[str, str] = field(default_factory=dict)
    from_image: bool = False


def environment(pod: Pod, container: Container, around: Surroundings) -> dict[str, str]:
    """All variables of the container. Raises ConfigError, in Kubernetes' words, when a reference has no value."""
    # A container that runs from an image has nothing of the machine's.
    variables = {} if around.from_image else _inherited()
    variables.update(around.variables)
    variables.update({name: expand(value, variables) for name, value in around.image.items()})
    variables.update(service_variables(around.services, links=pod.spec.enable_service_links is not False))
    for source in container.env_from:
        variables.update(_all_of(source, pod, around))
    for variable in container.env:
        value = _value(variable, pod, container, around, variables)
        if value is not None:
            variables[variable.name] = value
    # Last, so that no manifest can hide a process from whoever ends the pod's processes by these marks.
    variables.update(around.marks)
    return variables


def service_variables(services: Iterable[Service], *, links: bool = True) -> dict[str, str]:
    """`<NAME>_SERVICE_HOST`, `_SERVICE_PORT` and the older `_PORT_80_TCP...` of each Service with a ClusterIP."""
    variables: dict[str, str] = {}
    for service in services if links else ():
        address, ports = service.spec.cluster_ip, service.spec.ports
        if not address or address == "None" or not ports:
            continue
        name = service.metadata.name.upper().replace("-", "_")
        variables[f"{name}_SERVICE_HOST"] = address
        variables[f"{name}_SERVICE_PORT"] = str(ports[0].port)
        for index, port in enumerate(ports):
            protocol = port.protocol or "TCP"
            url = f"{protocol.lower()}://{address}:{port.port}"
            if port.name:
                variables[f"{name}_SERVICE_PORT_{port.name.upper().replace('-', '_')}"] = str(port.port)
            if index == 0:
                variables[f"{name}_PORT"] = url
            prefix = f"{name}_PORT_{port.port}_{protocol}"
            variables[prefix] = url
            variables[f"{prefix}_PROTO"] = protocol.lower()
            variables[f"{prefix}_PORT"] = str(port.port)
            variables[f"{prefix}_ADDR"] = address
    return variables


def _inherited() -> dict[str, str]:
    """A few variables of the daemon's own; the programs of its virtual environment come first on the PATH."""
    variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    variables["PATH"] = program_path()
    return variables


def program_path() -> str:
    """Where the programs of this machine are looked for: the daemon's own environment, then its PATH."""
    path = os.environ.get("PATH", os.defpath)
    programs = str(Path(sys.prefix) / "bin")
    return path if path.split(os.pathsep)[0] == programs else f"{programs}{os.pathsep}{path}"


def _all_of(source: EnvFromSource, pod: Pod, around: Surroundings) -> dict[str, str]:
    prefix = source.prefix or ""
    if source.config_map_ref is not None:
        reference = source.config_map_ref
        config = around.config_map(reference.name)
        if config is not None:
            return {prefix + key: value for key, value in (config.data or {}).items()}
        kind = "configmap"
    elif source.secret_ref is not None:
        reference = source.secret_ref
        secret = around.secret(reference.name)
        if secret is not None:
            return {prefix + key: _decoded(value) for key, value in (secret.data or {}).items()}
        kind = "secret"
    else:
        return {}
    if reference.optional:
        return {}
    raise ConfigError(f'{kind} "{reference.name}" not found')


def _value(
    variable: EnvVar, pod: Pod, container: Container, around: Surroundings, variables: Mapping[str, str]
) -> str | None:
    source = variable.value_from
    if source is None:
        return expand(variable.value or "", variables)
    if source.config_map_key_ref is not None or source.secret_key_ref is not None:
        return _keyed(source, pod, around)
    if source.field_ref is not None:
        return field_value(
            source.field_ref.field_path, pod, place_fields(around.node_name, around.pod_ip, around.host_ip)
        )
    if source.resource_field_ref is not None:
        reference = source.resource_field_ref
        return resource_value(reference.resource, str(reference.divisor or ""), container)
    return ""


def _keyed(source: EnvVarSource, pod: Pod, around: Surroundings) -> str | None:
    if source.config_map_key_ref is not None:
        reference, kind, shown = source.config_map_key_ref, "configmap", "ConfigMap"
        config = around.config_map(reference.name)
        data = None if config is None else dict(config.data or {})
    else:
        assert source.secret_key_ref is not None
        reference, kind, shown = source.secret_key_ref, "secret", "Secret"
        secret = around.secret(reference.name)
        data = None if secret is None else {k: _decoded(v) for k, v in (secret.data or {}).items()}
    if data is not None and reference.key in data:
        return data[reference.key]
    if reference.optional:
        return None
    if data is None:
        raise ConfigError(f'{kind} "{reference.name}" not found')
    raise ConfigError(f"couldn't find key {reference.key} in {shown} {pod.metadata.namespace}/{reference.name}")


def field_value(path: str, pod: Pod, more: Mapping[str, str]) -> str:
    """A field of the pod, as the downward API gives it (Kubernetes' ObjectFieldSelector).

    `more` are those that the manifest does not know: `spec.nodeName`, `status.podIP` and `status.hostIP`.
    Raises ConfigError for a field that cannot be had.
    """
    match = _KEYED_FIELD.fullmatch(path)
    if match:
        values = pod.metadata.labels if match.group(1) == "labels" else pod.metadata.annotations
        return (values or {}).get(match.group(2), "")
    fields = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": pod.metadata.uid,
        "spec.serviceAccountName": pod.spec.service_account_name or "default",
        **more,
    }
    if path not in fields:
        raise ConfigError(f'fieldPath "{path}" cannot be used here')
    return fields[path] or ""


def place_fields(node_name: str, pod_ip: str, host_ip: str) -> dict[str, str]:
    """The fields that depend on where a pod runs; each mesh has addresses of one family."""
    return {
        "spec.nodeName": node_name,
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
    }


def resource_value(name: str, divisor: str, container: Container) -> str:
    """The container's limit or request; without one, what the machine has, as in Kubernetes."""
    side, _, resource = name.partition(".")
    resources = container.resources
    values = {} if resources is None else (resources.limits if side == "limits" else resources.requests) or {}
    if resource in values:
        amount = quantity(str(values[resource]))
    elif resource == "cpu":
        amount = float(os.cpu_count() or 1)
    elif resource == "memory":
        amount = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    else:
        amount = 0.0
    unit = quantity(divisor) if divisor and divisor != "0" else 1.0
    return str(-int(-amount // unit))


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode(errors="surrogateescape")
