"""CustomResourceDefinition (apiextensions.k8s.io/v1): kinds that users define."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mesh.resources.custom.scale import ScalePaths, check_scale
from mesh.resources.custom.schema import Schema
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import STATUS, KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry
from mesh.resources.values.names import wrong_label, wrong_subdomain
from mesh.resources.values.problems import FieldError, not_supported, required

Body = Mapping[str, Any]
GROUP = "apiextensions.k8s.io"
KIND = "CustomResourceDefinition"
SCOPES = ("Namespaced", "Cluster")
COLUMN_TYPES = ("string", "integer", "number", "boolean", "date")


def is_definition(body: Body) -> bool:
    """Whether the object defines a kind."""
    return body.get("kind") == KIND and str(body.get("apiVersion", "")).startswith(f"{GROUP}/")


@dataclass(frozen=True, eq=False)
class Defined:
    """What a definition says about its kind, by version."""

    schemas: Mapping[str, Schema]
    printed: Mapping[str, list[dict[str, Any]]]
    with_status: frozenset[str]
    scaled: Mapping[str, ScalePaths]

    def fill(self, version: str, body: dict[str, Any]) -> None:
        self.schemas[version].fill(body)

    def prune(self, version: str, body: dict[str, Any]) -> list[FieldError]:
        return self.schemas[version].prune(body)

    def check(self, version: str, body: dict[str, Any]) -> list[FieldError]:
        errors = self.schemas[version].check(body)
        scale = self.scaled.get(version)
        return errors if scale is None else [*errors, *scale.check(body)]

    def openapi(self, version: str) -> dict[str, Any]:
        return self.schemas[version].openapi

    def columns(self, version: str) -> list[dict[str, Any]]:
        return self.printed.get(version, [])

    def scale(self, version: str) -> ScalePaths | None:
        return self.scaled.get(version)

    @property
    def has_status(self) -> bool:
        return bool(self.with_status)


def extended(definitions: Iterable[Body], registry: Registry = REGISTRY) -> Registry:
    """The registry with the kinds of definitions that passed `check_definition`.

    A definition of a kind that the registry already has (for example, one of Istio's) adds nothing.
    """
    kinds = {kind.group_kind: kind for kind in registry.all()}
    plurals = {(kind.group, kind.plural) for kind in registry.all()}
    before = len(kinds)
    for body in definitions:
        kind = _kind_of(body)
        if kind is not None and (kind.group, kind.plural) not in plurals:
            kinds.setdefault(kind.group_kind, kind)
            plurals.add((kind.group, kind.plural))
    return registry if len(kinds) == before else Registry(tuple(kinds.values()))


def _kind_of(body: Body) -> KindDefinition | None:
    spec = body["spec"]
    names = spec["names"]
    served = [version for version in spec["versions"] if version["served"]]
    # The stored version first: it is the preferred one, and others differ in apiVersion only.
    served.sort(key=lambda version: not version["storage"])
    if not served:
        return None
    subresources = {version["name"]: version.get("subresources") or {} for version in served}
    # Definitions stored by an earlier release may have a scale that nobody checked.
    scales = {
        name: has["scale"]
        for name, has in subresources.items()
        if "scale" in has and not list(check_scale(has["scale"], ""))
    }
    has_status = any("status" in has for has in subresources.values())
    return KindDefinition(
        group=spec["group"],
        versions=tuple(version["name"] for version in served),
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or "",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        namespaced=spec["scope"] == "Namespaced",
        type=Untyped,
        subresources=frozenset({*(STATUS if has_status else ()), *(("scale",) if scales else ())}),
        custom=Defined(
            {version["name"]: Schema(version["schema"]["openAPIV3Schema"]) for version in served},
            {version["name"]: version.get("additionalPrinterColumns") or [] for version in served},
            frozenset(name for name, has in subresources.items() if "status" in has),
            {name: ScalePaths.of(scale) for name, scale in scales.items()},
        ),
    )


def completed(body: dict[str, Any]) -> None:
    """Fills in what the API server does: names that were left out, and a status that says the kind is served."""
    names = body["spec"]["names"]
    body["spec"].setdefault("conversion", {"strategy": "None"})
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    body["status"] = {
        "conditions": [
            {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"},
            {"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": "it is served"},
        ],
        "acceptedNames": dict(names),
        "storedVersions": [version["name"] for version in body["spec"]["versions"] if version["storage"]],
    }


def definition_warnings(body: Body) -> list[str]:
    """What a definition asks for that the mesh does not do."""
    spec = body["spec"]
    warnings = []
    if REGISTRY.by_kind(spec["group"], spec["names"]["kind"]):
        warnings.append(f"the mesh already has {spec['names']['kind']} of {spec['group']}; its own definition is used")
    # Anywhere in a schema, at any depth: the text is enough for a warning.
    if "x-kubernetes-validations" in repr(spec["versions"]):
        warnings.append("rules in CEL (x-kubernetes-validations) are not evaluated here")
    if (spec.get("conversion") or {}).get("strategy") == "Webhook":
        warnings.append("no webhook converts between versions here; only apiVersion changes")
    return warnings


def check_definition(body: Body) -> list[FieldError]:
    """Everything wrong with a definition."""
    return list(_definition(body))


def check_change(old: Body, new: Body) -> list[FieldError]:
    """What may not change in a definition, because objects are stored under it."""
    was, now = old["spec"], new["spec"]
    pairs = {
        "spec.group": (was["group"], now["group"]),
        "spec.scope": (was["scope"], now["scope"]),
        "spec.names.kind": (was["names"]["kind"], now["names"]["kind"]),
        "spec.names.plural": (was["names"]["plural"], now["names"]["plural"]),
    }
    return [
        FieldError(path, f'cannot be changed; it is "{before}"')
        for path, (before, after) in pairs.items()
        if before != after
    ]


def _definition(body: Body) -> Iterator[FieldError]:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        yield required("spec", "is missing")
        return
    group, names = spec.get("group"), spec.get("names")
    if not isinstance(group, str) or wrong_subdomain(group) or "." not in group:
        yield FieldError("spec.group", f'"{group}" is not a domain (for example, example.com)')
    if spec.get("scope") not in SCOPES:
        yield not_supported("spec.scope", f'"{spec.get("scope")}" is neither Namespaced nor Cluster')
    if isinstance(names, dict):
        yield from _names(names)
        full_name = f"{names.get('plural')}.{group}"
        if body["metadata"].get("name") != full_name:
            yield FieldError("metadata.name", f'is not spec.names.plural + "." + spec.group ("{full_name}")')
    else:
        yield required("spec.names", "is missing")
    versions = spec.get("versions")
    if not isinstance(versions, list) or not versions:
        yield required("spec.versions", "is missing; a definition needs at least one version")
        return
    for number, version in enumerate(versions):
        yield from _version(version, f"spec.versions[{number}]")
    stored = sum(isinstance(version, dict) and version.get("storage") is True for version in versions)
    # Objects are written in one version; with two, nobody could say which.
    if stored != 1:
        yield FieldError("spec.versions", f"{stored} versions have storage: true; exactly one must")
    version_names = [str(version.get("name")) for version in versions if isinstance(version, dict)]
    if len(set(version_names)) != len(version_names):
        yield FieldError("spec.versions", "two versions have the same name")


def _names(names: Body) -> Iterator[FieldError]:
    for name in ("plural", "kind"):
        value = names.get(name)
        if not isinstance(value, str) or wrong_label(value.lower()) or (name == "plural" and value != value.lower()):
            yield FieldError(f"spec.names.{name}", f"{value!r} is not a name")
    for name in ("singular", "listKind"):
        if not isinstance(names.get(name, ""), str):
            yield FieldError(f"spec.names.{name}", "is not a string")
    for name in ("shortNames", "categories"):
        value = names.get(name, [])
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            yield FieldError(f"spec.names.{name}", "is not a list of names")


def _version(version: Any, path: str) -> Iterator[FieldError]:
    if not isinstance(version, dict):
        yield FieldError(path, "is not a map")
        return
    name = version.get("name")
    if not isinstance(name, str) or wrong_label(name):
        yield FieldError(f"{path}.name", f"{name!r} is not a version (for example, v1)")
    for flag in ("served", "storage"):
        if not isinstance(version.get(flag), bool):
            yield FieldError(f"{path}.{flag}", "must be true or false")
    subresources = version.get("subresources", {})
    if not isinstance(subresources, dict) or not all(
        isinstance(subresource, dict) for subresource in subresources.values()
    ):
        yield FieldError(f"{path}.subresources", "is not a map of maps")
    elif "scale" in subresources:
        yield from check_scale(subresources["scale"], f"{path}.subresources.scale")
    yield from _columns(version.get("additionalPrinterColumns", []), f"{path}.additionalPrinterColumns")
    schema = version.get("schema")
    openapi = schema.get("openAPIV3Schema") if isinstance(schema, dict) else None
    if not isinstance(openapi, dict):
        yield required(f"{path}.schema.openAPIV3Schema", "is missing")
        return
    if openapi.get("type") != "object":
        yield FieldError(f"{path}.schema.openAPIV3Schema.type", 'is not "object"')
    # Compiled once to see that it can be: an object must not be what finds a wrong schema.
    try:
        Schema(openapi)
    except ValueError as error:
        yield FieldError(f"{path}.schema.openAPIV3Schema", f"is not a schema: {error}")


def _columns(columns: Any, path: str) -> Iterator[FieldError]:
    if not isinstance(columns, list):
        yield FieldError(path, "is not a list")
        return
    for number, column in enumerate(columns):
        where = f"{path}[{number}]"
        if not isinstance(column, dict):
            yield FieldError(where, "is not a map")
            continue
        for name in ("name", "jsonPath"):
            if not isinstance(column.get(name), str):
                yield required(f"{where}.{name}", "is missing")
        if column.get("type") not in COLUMN_TYPES:
            yield not_supported(f"{where}.type", f'"{column.get("type")}" is none of {", ".join(COLUMN_TYPES)}')
        if not isinstance(column.get("priority", 0), int):
            yield FieldError(f"{where}.priority", "is not a whole number")
