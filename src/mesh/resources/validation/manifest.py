"""Manifests: text to objects, and objects held against everything that one object alone can say."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from mesh.resources.custom.definitions import check_definition, completed, definition_warnings, is_definition
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry
from mesh.resources.validation.documents import documents
from mesh.resources.validation.structure import check, plain
from mesh.resources.values.meta import Resource
from mesh.resources.values.names import wrong_label, wrong_labels, wrong_subdomain
from mesh.resources.values.problems import FieldError, Invalid, meant
from mesh.resources.values.ref import Ref

LARGEST_ANNOTATIONS = 256 << 10


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document: the JSON object, the file it is from, the line it begins at."""

    body: dict[str, Any]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Validated:
    """An object that is well formed: `body` with Kubernetes' defaults, `typed` the same decoded."""

    ref: Ref
    info: KindDefinition
    body: dict[str, Any]
    typed: Resource
    warnings: list[str] = field(default_factory=list)


def parse(text: str, source: str = "") -> list[Manifest]:
    """The objects in YAML or JSON text, `List`s taken apart, empty documents left out.

    Raises Invalid that names source and line.
    """
    manifests: list[Manifest] = []
    for body, line in documents(text, source):
        where = f"{source}:{line}" if source else f"line {line}"
        if not isinstance(body, dict):
            raise Invalid([FieldError("", f"a {type(body).__name__}, not an object with apiVersion and kind")], where)
        items = body.get("items") or []
        if _is_list(body) and isinstance(items, list):
            if not all(isinstance(item, dict) for item in items):
                raise Invalid([FieldError("items", "contains something that is not an object")], where)
            manifests += [Manifest(item, source, line) for item in items]
        else:
            manifests.append(Manifest(body, source, line))
    return manifests


def _is_list(body: dict[str, Any]) -> bool:
    """Whether it holds other objects: a List, DeploymentList, ..."""
    kind = str(body.get("kind", ""))
    return kind.endswith("List") and (kind == "List" or "items" in body)


class Identity(NamedTuple):
    """Which object a body is, and of which kind."""

    ref: Ref
    definition: KindDefinition


def identify(body: dict[str, Any], default_namespace: str = "", registry: Registry = REGISTRY) -> Identity:
    """Which object this is, of which kind. Raises Invalid when it is none the mesh knows."""
    version, kind = body.get("apiVersion"), body.get("kind")
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or metadata.get("generateName") or ""
    if not isinstance(kind, str) or not kind:
        raise Invalid([FieldError("kind", "is missing (for example, Deployment)")])
    if not isinstance(version, str) or not version:
        raise Invalid([FieldError("apiVersion", f"is missing{_versions(kind, registry)}")])
    group = version.rpartition("/")[0]
    info = registry.by_kind(group, kind)
    namespace = metadata.get("namespace") or default_namespace
    ref = Ref(group, kind, str(namespace) if info is None or info.namespaced else "", str(name))
    if info is None:
        known = {each.kind for each in registry.all()}
        hint = _versions(kind, registry) if kind in known else meant(kind, known)
        raise Invalid([FieldError("kind", f'there is no kind "{kind}" in "{version}"{hint}', ref)])
    if version not in info.api_versions:
        raise Invalid([FieldError("apiVersion", f'"{version}" is not known{_versions(kind, registry)}', ref)])
    return Identity(ref, info)


def _versions(kind: str, registry: Registry) -> str:
    versions = [version for info in registry.all() if info.kind == kind for version in info.api_versions]
    return f"; use {' or '.join(versions)}" if versions else ""


def validate(
    body: dict[str, Any],
    default_namespace: str = "",
    registry: Registry = REGISTRY,
    identity: Identity | None = None,
) -> Validated:
    """Checks one object and gives it Kubernetes' defaults, or those of its definition.

    `registry` has the kinds that there are: with those that users have defined, where that matters. Raises Invalid
    with all that is wrong.
    """
    if not isinstance(body, dict):
        raise Invalid([FieldError("", "not an object")])
    cleaned = plain(body)
    ref, info = identity or identify(cleaned, default_namespace, registry)
    if info.type is Untyped:
        return _untyped(ref, info, cleaned)
    findings = check(cleaned, info.type)
    if findings.errors:
        raise _of(ref, findings.errors)
    filled = _with_defaults(info, cleaned, ref.namespace)
    try:
        typed = msgspec.convert(filled, info.type)
    except msgspec.ValidationError as error:
        raise _of(ref, [FieldError("", str(error))]) from None
    if errors := [*_metadata(info, typed), *info.check(typed)]:
        raise _of(ref, errors)
    return Validated(ref, info, filled, typed, _warnings(ref, findings.inert, info.advise(typed)))


def _untyped(ref: Ref, info: KindDefinition, body: dict[str, Any]) -> Validated:
    """An object of which the mesh knows the head, and the user's schema (when there is one) the rest."""
    findings = check({name: body[name] for name in ("apiVersion", "kind", "metadata") if name in body}, info.type)
    if findings.errors:
        raise _of(ref, findings.errors)
    filled = _with_defaults(info, body, ref.namespace)
    typed = msgspec.convert(filled, info.type)
    errors = _metadata(info, typed)
    warnings = []
    version = str(body["apiVersion"]).rpartition("/")[2]
    if info.custom is not None:
        info.custom.fill(version, filled)
        errors += info.custom.check(version, filled)
    elif is_definition(body):
        errors += check_definition(body)
        if not errors:
            completed(filled)
            warnings = [f"{ref}: {told}" for told in definition_warnings(body)]
    elif info.no_effect:
        warnings = [f"{ref}: has no effect here: {info.no_effect}"]
    if errors:
        raise _of(ref, errors)
    return Validated(ref, info, filled, typed, warnings)


def _of(ref: Ref, errors: Iterable[FieldError]) -> Invalid:
    return Invalid([FieldError(each.path, each.message, ref) for each in errors])


def _warnings(ref: Ref, inert: list[str], advice: Iterable[FieldError]) -> list[str]:
    """One line that names the fields which have no effect, and one for each advice."""
    told = [f"{ref}: {each}" for each in advice]
    if inert:
        shown = ", ".join(dict.fromkeys(inert[:6])) + (f" and {len(inert) - 6} more" if len(inert) > 6 else "")
        told.insert(0, f"{ref}: no effect on one machine: {shown}")
    return told


def _with_defaults(definition: KindDefinition, body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Fills in what is not said, in place, and returns the object."""
    metadata = body["metadata"]
    if definition.namespaced:
        metadata["namespace"] = metadata.get("namespace") or namespace
    else:
        metadata.pop("namespace", None)
    if definition.fill is not None:
        definition.fill(body)
    return body


def _metadata(info: KindDefinition, typed: Resource) -> list[FieldError]:
    metadata = typed.metadata
    errors = []
    if (metadata.name or not metadata.generate_name) and (wrong := info.wrong_name(metadata.name)):
        errors.append(FieldError("metadata.name", wrong))
    if metadata.generate_name and (wrong := wrong_subdomain(metadata.generate_name.rstrip("-."))):
        errors.append(FieldError("metadata.generateName", wrong))
    if info.namespaced and (wrong := wrong_label(metadata.namespace)):
        errors.append(FieldError("metadata.namespace", wrong))
    errors += [FieldError(f"metadata.labels[{key}]", why) for key, why in wrong_labels(metadata.labels)]
    errors += [
        FieldError(f"metadata.annotations[{key[:80]}]", "is not an annotation's name")
        for key, _ in wrong_labels(dict.fromkeys(metadata.annotations, ""))
    ]
    size = sum(len(key) + len(value) for key, value in metadata.annotations.items())
    if size > LARGEST_ANNOTATIONS:
        errors.append(FieldError("metadata.annotations", f"{size} characters; at most {LARGEST_ANNOTATIONS}"))
    return errors
