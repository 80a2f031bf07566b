"""Manifests: text to objects, and every check that needs no other object."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from mesh.resources.custom.definitions import check_definition, completed, definition_warnings, is_definition
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry
from mesh.resources.validation.documents import documents
from mesh.resources.validation.findings import Findings
from mesh.resources.validation.metadata import check_metadata
from mesh.resources.validation.structure import check, plain
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError, Invalid, Reason, malformed, meant, required
from mesh.resources.values.ref import GroupKind, Ref

HEAD = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document: the JSON object, its file, and the line on which it begins."""

    body: dict[str, Any]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Validated:
    """A well-formed object: `body` with Kubernetes' defaults, `typed` the same decoded."""

    ref: Ref
    definition: KindDefinition
    body: dict[str, Any]
    typed: Resource
    warnings: list[str] = field(default_factory=list)


def parse(text: str, source: str = "") -> list[Manifest]:
    """The objects in YAML or JSON text; `List`s are taken apart, empty documents are skipped.

    Raises Invalid, which names source and line.
    """
    manifests: list[Manifest] = []
    for body, line in documents(text, source):
        where = f"{source}:{line}" if source else f"line {line}"
        if not isinstance(body, dict):
            raise Invalid([FieldError("", f"a {type(body).__name__}, not an object with apiVersion and kind")], where)
        items = body.get("items") or []
        # Taken apart here, so that everything behind it sees single objects with the line of their list.
        if _is_list(body) and isinstance(items, list):
            if not all(isinstance(item, dict) for item in items):
                raise Invalid([FieldError("items", "contains something that is not an object")], where)
            manifests += [Manifest(item, source, line) for item in items]
        else:
            manifests.append(Manifest(body, source, line))
    return manifests


def _is_list(body: dict[str, Any]) -> bool:
    """Whether it contains other objects: a List, DeploymentList, ..."""
    kind = str(body.get("kind", ""))
    return kind.endswith("List") and (kind == "List" or "items" in body)


class UnknownFields(StrEnum):
    """What becomes of fields that a kind does not have: Kubernetes' `fieldValidation`."""

    REJECTED = "Strict"
    WARNED = "Warn"
    """Dropped, with a warning for each."""

    IGNORED = "Ignore"
    """Dropped."""


class Identity(NamedTuple):
    """Which object a body is, and of which kind."""

    ref: Ref
    definition: KindDefinition


def identify(body: dict[str, Any], default_namespace: str = "", registry: Registry = REGISTRY) -> Identity:
    """Which object this is, and of which kind. Raises Invalid if the mesh does not know the kind."""
    version, kind = body.get("apiVersion"), body.get("kind")
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or metadata.get("generateName") or ""
    if not isinstance(kind, str) or not kind:
        raise Invalid([required("kind", "is missing (for example, Deployment)")])
    if not isinstance(version, str) or not version:
        raise Invalid([required("apiVersion", f"is missing{_versions(kind, registry)}")])
    group = version.rpartition("/")[0]
    definition = registry.by_kind(group, kind)
    namespace = metadata.get("namespace") or default_namespace
    stored = definition.stored_kind if definition is not None else GroupKind(group, kind)
    ref = Ref(*stored, str(namespace) if definition is None or definition.namespaced else "", str(name))
    if definition is None:
        # The kind exists in another group, or it is mistyped: different advice.
        kinds = {definition.kind for definition in registry.all()}
        hint = _versions(kind, registry) if kind in kinds else meant(kind, kinds)
        raise Invalid([FieldError("kind", f'there is no kind "{kind}" in "{version}"{hint}', ref)])
    if version not in definition.api_versions:
        raise Invalid([FieldError("apiVersion", f'"{version}" is not known{_versions(kind, registry)}', ref)])
    return Identity(ref, definition)


def _versions(kind: str, registry: Registry) -> str:
    versions = [
        version for definition in registry.all() if definition.kind == kind for version in definition.api_versions
    ]
    return f"; use {' or '.join(versions)}" if versions else ""


def validate(
    body: dict[str, Any],
    default_namespace: str = "",
    registry: Registry = REGISTRY,
    identity: Identity | None = None,
    unknown_fields: UnknownFields = UnknownFields.REJECTED,
) -> Validated:
    """Checks one object and fills in Kubernetes' defaults, or those of its CustomResourceDefinition.

    `registry` has the kinds there are, including those that users have defined; `identity` is given by callers that
    have identified the object already. Raises Invalid with everything that is wrong.
    """
    if not isinstance(body, dict):
        raise Invalid([FieldError("", "not an object")])
    cleaned = plain(body)
    ref, definition = identity or identify(cleaned, default_namespace, registry)
    if definition.type is Untyped:
        return _untyped(ref, definition, cleaned, unknown_fields)
    if definition.to_first_version is not None:
        cleaned = definition.to_first_version(cleaned)
    findings = check(cleaned, definition.type, lean=definition.built_in)
    # Defaults only fill well-formed objects, and checks see what will be stored.
    unknown = _unknown(ref, findings, unknown_fields)
    if findings.errors:
        raise _of(ref, _as_answered(definition, findings.errors))
    filled = _with_defaults(definition, cleaned, ref.namespace)
    try:
        typed = msgspec.convert(filled, definition.type)
    except msgspec.ValidationError as error:
        raise _of(ref, [malformed("", str(error))]) from None
    if errors := [*check_metadata(definition, typed.metadata), *definition.check(typed)]:
        raise _of(ref, errors)
    warnings = [*unknown, *_warnings(ref, findings.inert, definition.advise(typed))]
    if definition.form_of is not None:
        filled = definition.form_of.to_stored(filled)
    return Validated(ref, definition, filled, typed, warnings)


def _unknown(ref: Ref, findings: Findings, treatment: UnknownFields) -> list[str]:
    """The warnings for unknown fields. Raises Invalid, with whatever else cannot be read, when they are rejected."""
    if treatment is UnknownFields.REJECTED and findings.unknown:
        raise _of(ref, [*findings.errors, *findings.unknown])
    if treatment is UnknownFields.WARNED:
        return [f'unknown field "{error.path}"' for error in findings.unknown]
    return []


def _as_answered(definition: KindDefinition, errors: Iterable[FieldError]) -> list[FieldError]:
    """Errors of structure with the reason that a cluster gives them.

    It reads objects of its own kinds into structs, and those of Istio's and Gateway API's kinds into maps, which a
    schema then describes: a wrong type is malformed in the former (400), and has a wrong type in the latter (422).
    """
    if definition.built_in:
        return list(errors)
    return [
        replace(error, reason=Reason.TYPE_INVALID)
        if error.reason is Reason.MALFORMED and not error.path.startswith("metadata")
        else error
        for error in errors
    ]


def _untyped(ref: Ref, definition: KindDefinition, body: dict[str, Any], unknown_fields: UnknownFields) -> Validated:
    """An object of which the mesh knows only the head; a user's schema, if there is one, describes the rest."""
    head = {name: body[name] for name in HEAD if name in body}
    findings = check(head, definition.type, lean=definition.built_in)
    if definition.shape:
        # Imported for the first object of such a kind.
        from mesh.resources.shapes.catalog import fields_of  # noqa: PLC0415
        from mesh.resources.validation.shaped import walk_fields  # noqa: PLC0415

        rest = {name: value for name, value in body.items() if name not in HEAD}
        body = {**head, **walk_fields(rest, fields_of(definition.shape), "", findings)}
    version = str(body["apiVersion"]).rpartition("/")[2]
    if definition.custom is not None:
        findings.unknown += definition.custom.prune(version, body)
    unknown = _unknown(ref, findings, unknown_fields)
    if findings.errors:
        raise _of(ref, findings.errors)
    filled = _with_defaults(definition, body, ref.namespace)
    typed = msgspec.convert(filled, definition.type)
    errors = [*check_metadata(definition, typed.metadata), *definition.check_body(filled)]
    warnings: list[str] = []
    if definition.custom is not None:
        definition.custom.fill(version, filled)
        errors += definition.custom.check(version, filled)
    elif is_definition(body):
        errors += check_definition(body)
        if not errors:
            completed(filled)
            warnings = [f"{ref}: {warning}" for warning in definition_warnings(body)]
    elif definition.no_effect:
        warnings = [f"{ref}: has no effect here: {definition.no_effect}"]
    if errors:
        raise _of(ref, errors)
    return Validated(ref, definition, filled, typed, [*unknown, *warnings])


def _of(ref: Ref, errors: Iterable[FieldError]) -> Invalid:
    return Invalid([error.of(ref) for error in errors])


def _warnings(ref: Ref, inert: list[str], advice: Iterable[FieldError]) -> list[str]:
    """One line that names the fields without effect, and one per piece of advice."""
    warnings = [f"{ref}: {advised}" for advised in advice]
    if inert:
        shown = ", ".join(dict.fromkeys(inert[:6])) + (f" and {len(inert) - 6} more" if len(inert) > 6 else "")
        warnings.insert(0, f"{ref}: no effect on one machine: {shown}")
    return warnings


def _with_defaults(definition: KindDefinition, body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Fills in what the user left out, in place, and returns the object."""
    metadata = body["metadata"]
    if definition.namespaced:
        metadata["namespace"] = metadata.get("namespace") or namespace
    else:
        # Some tools write one into every object; on a kind without namespaces it means nothing.
        metadata.pop("namespace", None)
    if definition.fill is not None:
        definition.fill(body)
    return body
