"""What a container's environment can get wrong: `env` and `envFrom`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mesh.resources.core.pod import Container, EnvFromSource, EnvVar, EnvVarSource
from mesh.resources.values.names import DATA_KEY, VARIABLE
from mesh.resources.values.problems import FieldError, Reason, required

Errors = Iterator[FieldError]
POD_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs",
)  # fmt: skip
KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")
RESOURCE_FIELD = re.compile(r"(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)")


def check_environment(container: Container, path: str) -> Errors:
    """Everything wrong with a container's variables."""
    for number, variable in enumerate(container.env):
        yield from _variable(variable, f"{path}.env[{number}]")
    for number, source in enumerate(container.env_from):
        yield from _source(source, f"{path}.envFrom[{number}]")


def _variable(variable: EnvVar, path: str) -> Errors:
    if not variable.name:
        yield required(f"{path}.name")
    elif not VARIABLE.fullmatch(variable.name):
        yield FieldError(f"{path}.name", f'"{variable.name[:80]}" is not a variable\'s name (printable, no "=")')
    if "\0" in variable.value:
        yield FieldError(f"{path}.value", "contains a NUL character, which cannot be passed to a process")
    source = variable.value_from
    if source is None:
        return
    if variable.value:
        yield FieldError(f"{path}.valueFrom", "cannot be used with value")
    elif source.file_key_ref is not None:
        yield FieldError(f"{path}.valueFrom.fileKeyRef", "is not supported here; use configMapKeyRef or secretKeyRef")
    else:
        yield from _value_from(source, f"{path}.valueFrom")


def _value_from(source: EnvVarSource, path: str) -> Errors:
    sources = {
        "fieldRef": source.field_ref,
        "configMapKeyRef": source.config_map_key_ref,
        "secretKeyRef": source.secret_key_ref,
        "resourceFieldRef": source.resource_field_ref,
    }
    yield from _one_of(sources, path)
    for name, keyed in (("configMapKeyRef", source.config_map_key_ref), ("secretKeyRef", source.secret_key_ref)):
        if keyed is None:
            continue
        if not keyed.name:
            yield required(f"{path}.{name}.name")
        if not keyed.key:
            yield required(f"{path}.{name}.key")
        elif not DATA_KEY.fullmatch(keyed.key):
            yield FieldError(f"{path}.{name}.key", 'a key has letters, digits, "-", "_" and "."')
    yield from check_field_sources(source, path)


def check_field_sources(source: EnvVarSource, path: str) -> Errors:
    """What `fieldRef` and `resourceFieldRef` name and a pod does not have."""
    field = source.field_ref
    if field is not None and not field.field_path:
        yield required(f"{path}.fieldRef.fieldPath")
    elif field is not None and field.field_path not in POD_FIELDS and not KEYED_FIELD.fullmatch(field.field_path):
        message = (
            f'"{field.field_path[:80]}" is not a field that a variable can have; use {", ".join(POD_FIELDS)}, '
            "metadata.labels['<key>'] or metadata.annotations['<key>']"
        )
        yield FieldError(f"{path}.fieldRef.fieldPath", message, reason=Reason.NOT_SUPPORTED)
    resource = source.resource_field_ref
    if resource is not None and not RESOURCE_FIELD.fullmatch(resource.resource):
        message = f'"{resource.resource[:80]}" is none of limits.cpu, limits.memory, requests.cpu, requests.memory'
        reason = Reason.NOT_SUPPORTED if resource.resource else Reason.REQUIRED
        yield FieldError(f"{path}.resourceFieldRef.resource", message, reason=reason)


def _source(source: EnvFromSource, path: str) -> Errors:
    yield from _one_of({"configMapRef": source.config_map_ref, "secretRef": source.secret_ref}, path)
    for name, reference in (("configMapRef", source.config_map_ref), ("secretRef", source.secret_ref)):
        if reference is not None and not reference.name:
            yield required(f"{path}.{name}.name")
    if source.prefix and not VARIABLE.fullmatch(source.prefix):
        yield FieldError(f"{path}.prefix", f'"{source.prefix[:80]}" cannot begin a variable\'s name')


def _one_of(choices: Mapping[str, Any], path: str) -> Errors:
    given = [name for name, value in choices.items() if value is not None]
    if len(given) != 1:
        actual = f"has {' and '.join(given)}" if given else "has none"
        yield FieldError(path, f"needs exactly one of {', '.join(choices)}; it {actual}")
