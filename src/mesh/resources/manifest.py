"""Manifests: text to objects, and objects held against everything that one object alone can say."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import yaml

from mesh.resources.checks import check_object
from mesh.resources.defaults import with_defaults
from mesh.resources.kinds import REGISTRY, KindInfo
from mesh.resources.meta import Resource
from mesh.resources.names import wrong_label, wrong_labels, wrong_subdomain
from mesh.resources.problems import FieldError, Invalid, meant
from mesh.resources.ref import Ref
from mesh.resources.structure import check, without_nulls

LARGEST_TEXT = 3 << 20
MOST_DOCUMENTS = 10_000
MOST_NODES = 500_000
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
    info: KindInfo
    body: dict[str, Any]
    typed: Resource
    warnings: list[str] = field(default_factory=list)


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: dates stay strings, a key may stand once, aliases are bounded."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str | int | float | bool) and name is not None:
                raise yaml.constructor.ConstructorError(None, None, "a key is a map or list", key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f'the field "{name}" stands twice', key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _text(loader: _Loader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


def _mapping(loader: _Loader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def parse(text: str, source: str = "") -> list[Manifest]:
    """The objects in YAML or JSON text, `List`s taken apart, empty documents left out.

    Raises Invalid that names source and line.
    """
    if len(text) > LARGEST_TEXT:
        raise Invalid([FieldError("", f"{len(text)} characters; {LARGEST_TEXT} at the most")], source)
    manifests: list[Manifest] = []
    for body, line in _documents(text, source):
        where = f"{source}:{line}" if source else f"line {line}"
        if not isinstance(body, dict):
            raise Invalid([FieldError("", f"a {type(body).__name__}, not an object with apiVersion and kind")], where)
        items = body.get("items")
        if str(body.get("kind", "")).endswith("List") and isinstance(items, list):
            if not all(isinstance(item, dict) for item in items):
                raise Invalid([FieldError("items", "holds what is not an object")], where)
            manifests += [Manifest(item, source, line) for item in items]
        else:
            manifests.append(Manifest(body, source, line))
    return manifests


def _documents(text: str, source: str) -> list[tuple[Any, int]]:
    loader = _Loader(text)
    found: list[tuple[Any, int]] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None
            _bound(node)
            body = loader.construct_document(node)
            if body is not None:
                found.append((body, node.start_mark.line + 1))
            if len(found) > MOST_DOCUMENTS:
                raise Invalid([FieldError("", f"more than {MOST_DOCUMENTS} documents")], source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise Invalid([FieldError("", f"not YAML: {problem}")], f"{source}{line}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid([FieldError("", f"not YAML: {error}")], source) from None
    finally:
        loader.dispose()
    return found


def _bound(node: Any) -> None:
    """Counts what a document would grow to when its aliases are followed. Raises ValueError."""
    count = 0
    waiting = [node]
    while waiting:
        each = waiting.pop()
        count += 1
        if count > MOST_NODES:
            raise ValueError(f"more than {MOST_NODES} values (are aliases nested?)")
        if isinstance(each, yaml.MappingNode):
            for key, value in each.value:
                waiting += (key, value)
        elif isinstance(each, yaml.SequenceNode):
            waiting += each.value


def identify(body: dict[str, Any], default_namespace: str = "") -> tuple[Ref, KindInfo]:
    """Which object this is, of which kind. Raises Invalid when it is none the mesh knows."""
    version, kind = body.get("apiVersion"), body.get("kind")
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or metadata.get("generateName") or ""
    if not isinstance(kind, str) or not kind:
        raise Invalid([FieldError("kind", "is missing; Deployment, say")])
    if not isinstance(version, str) or not version:
        raise Invalid([FieldError("apiVersion", f"is missing{_versions(kind)}")])
    group = version.rpartition("/")[0]
    info = REGISTRY.by_kind(group, kind)
    namespace = metadata.get("namespace") or default_namespace
    ref = Ref(group, kind, str(namespace) if info is None or info.namespaced else "", str(name))
    if info is None:
        known = {each.kind for each in REGISTRY.all()}
        hint = _versions(kind) if kind in known else meant(kind, known)
        raise Invalid([FieldError("kind", f'there is no kind "{kind}" in "{version}"{hint}', ref)])
    if version not in info.api_versions:
        raise Invalid([FieldError("apiVersion", f'"{version}" is not known{_versions(kind)}', ref)])
    return ref, info


def _versions(kind: str) -> str:
    versions = [version for info in REGISTRY.all() if info.kind == kind for version in info.api_versions]
    return f"; {' or '.join(versions)} would do" if versions else ""


def validate(body: dict[str, Any], default_namespace: str = "") -> Validated:
    """Checks one object and gives it Kubernetes' defaults. Raises Invalid with all that is wrong."""
    if not isinstance(body, dict):
        raise Invalid([FieldError("", "not an object")])
    ref, info = identify(body, default_namespace)
    cleaned = without_nulls(body)
    findings = check(cleaned, info.type)
    if findings.errors:
        raise Invalid([FieldError(each.path, each.message, ref) for each in findings.errors])
    filled = with_defaults(info, copy.deepcopy(cleaned), ref.namespace)
    try:
        typed = msgspec.convert(filled, info.type)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Invalid([FieldError("", str(error), ref)]) from None
    errors = [*_metadata(info, typed), *check_object(typed)]
    if errors:
        raise Invalid([FieldError(each.path, each.message, ref) for each in errors])
    return Validated(ref, info, filled, typed, _warnings(ref, findings.inert))


def _warnings(ref: Ref, inert: list[str]) -> list[str]:
    """One line an object, that names the fields which have no effect."""
    if not inert:
        return []
    shown = ", ".join(dict.fromkeys(inert[:6])) + (f" and {len(inert) - 6} more" if len(inert) > 6 else "")
    return [f"{ref}: no effect on one machine: {shown}"]


def _metadata(info: KindInfo, typed: Resource) -> list[FieldError]:
    metadata = typed.metadata
    strict = info.kind in ("Namespace", "Service")
    errors = []
    if not metadata.generate_name or metadata.name:
        wrong = (wrong_label if strict else wrong_subdomain)(metadata.name)
        if wrong:
            errors.append(FieldError("metadata.name", wrong))
    if info.namespaced and (wrong := wrong_label(metadata.namespace)):
        errors.append(FieldError("metadata.namespace", wrong))
    errors += [FieldError(f"metadata.labels[{key}]", why) for key, why in wrong_labels(metadata.labels)]
    size = sum(len(key) + len(value) for key, value in metadata.annotations.items())
    if size > LARGEST_ANNOTATIONS:
        errors.append(FieldError("metadata.annotations", f"{size} characters; {LARGEST_ANNOTATIONS} at the most"))
    return errors


def as_json(body: dict[str, Any]) -> str:
    """The object as one line of JSON with sorted keys: equal objects give equal text."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))
