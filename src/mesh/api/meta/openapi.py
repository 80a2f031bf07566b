"""The OpenAPI documents of what is served, generated from the typed kinds (`/openapi/v3`).

kubectl reads them to learn that the server validates fields (`--validate=strict`), to explain fields, and to see how
lists merge. Form and extensions are those of Kubernetes' own documents (x-kubernetes-group-version-kind and others).
"""

import hashlib
import inspect as python
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from mesh.api.objects.merging import KEYS, SETS
from mesh.api.transport.http import Reply
from mesh.resources.custom.untyped import Untyped
from mesh.resources.descriptions import description
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.registry import Registry
from mesh.resources.values.body import Body

GVK = "x-kubernetes-group-version-kind"
# Clients send it with an "@", which a media type may not have; Kubernetes answers with a dot, and so do we.
PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
EMPTY_V2 = b"\x0a\x032.0\x12\x0f\x0a\x09mesh-mall\x12\x02v1"
INT_OR_STRING = {inspect.IntType, inspect.StrType}
SIMPLE: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.LiteralType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
}
PARAMETERS = (
    ("dryRun", "string", "All: nothing is stored"),
    ("fieldManager", "string", "who writes"),
    ("fieldValidation", "string", "how unknown fields are treated: they are rejected"),
    ("force", "boolean", "takes fields over from other managers (server-side apply)"),
)


class Documents:
    """The documents of one server, generated on the first request and again after its kinds have changed."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._index: Body = {}
        self._documents: dict[tuple[str, str], bytes] = {}

    def index(self, registry: Registry) -> Body:
        """`/openapi/v3`: a document for each group and version, with a hash that changes with it."""
        self._follow(registry)
        if not self._index:
            paths = {}
            for group, version in sorted(_group_versions(registry)):
                path = f"apis/{group}/{version}" if group else f"api/{version}"
                digest = hashlib.sha256(self.document(group, version, registry) or b"").hexdigest()[:32].upper()
                paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
            self._index = {"paths": paths}
        return self._index

    def document(self, group: str, version: str, registry: Registry) -> bytes | None:
        """The document of a group and version (OpenAPI 3.0) as JSON; None when there is none."""
        self._follow(registry)
        document = self._documents.get((group, version))
        if document is None and (body := _document(group, version, registry)) is not None:
            document = self._documents[group, version] = msgspec.json.encode(body)
        return document

    def version_two(self, registry: Registry, accept: str) -> Reply:
        """`/openapi/v2` (Swagger 2.0): the schemas alone, for old clients.

        kubectl reads it as protobuf where version 3 does not know a kind, and then reports itself that there is no such
        kind: an empty document is enough for that.
        """
        if PROTOBUF_V2 in accept.replace("@", "."):
            return Reply(EMPTY_V2, content_type=PROTOBUF_V2)
        schemas: Body = {}
        for group, version in sorted(_group_versions(registry)):
            raw = self.document(group, version, registry) or b"{}"
            document = msgspec.json.decode(raw.replace(b'"#/components/schemas/', b'"#/definitions/'))
            for name, schema in document["components"]["schemas"].items():
                kinds = schemas.get(name, {}).get(GVK, [])
                schemas[name] = schema
                if kinds:
                    schema[GVK] = [*kinds, *(gvk for gvk in schema.get(GVK, ()) if gvk not in kinds)]
        info = {"title": "mesh-mall", "version": "v1"}
        return Reply({"swagger": "2.0", "info": info, "paths": {}, "definitions": schemas})

    def _follow(self, registry: Registry) -> None:
        if registry is not self._registry:
            self._registry, self._index, self._documents = registry, {}, {}


def _group_versions(registry: Registry) -> set[tuple[str, str]]:
    return {(definition.group, version) for definition in registry.all() for version in definition.versions}


def _document(group: str, version: str, registry: Registry) -> Body | None:
    definitions = [
        definition for definition in registry.all() if definition.group == group and version in definition.versions
    ]
    if not definitions:
        return None
    schemas = _Schemas()
    paths: Body = {}
    for definition in definitions:
        name = schemas.kind(definition, version)
        for path, operations in _paths(definition, version, name):
            paths[path] = operations
    return {
        "openapi": "3.0.0",
        "info": {"title": "mesh-mall", "version": version},
        "paths": paths,
        "components": {"schemas": schemas.schemas},
    }


def _paths(definition: KindDefinition, version: str, name: str) -> Iterator[tuple[str, Body]]:
    root = f"/apis/{definition.group}/{version}" if definition.group else f"/api/{version}"
    scope = "/namespaces/{namespace}" if definition.namespaced else ""
    kind = {"group": definition.group, "version": version, "kind": definition.kind}
    object_path = f"{root}{scope}/{definition.plural}/{{name}}"
    yield (
        f"{root}{scope}/{definition.plural}",
        {"get": _operation(kind, "list", name), "post": _operation(kind, "post", name)},
    )
    yield (
        object_path,
        {
            "get": _operation(kind, "get", name),
            "put": _operation(kind, "put", name),
            "patch": _operation(kind, "patch", name),
            "delete": _operation(kind, "delete", name),
        },
    )


def _operation(kind: Body, action: str, name: str) -> Body:
    body: Body = {
        "x-kubernetes-action": action,
        GVK: kind,
        "responses": {
            "200": {
                "description": "OK",
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
            }
        },
    }
    if action in ("post", "put", "patch"):
        body["parameters"] = [
            {"name": parameter, "in": "query", "description": description, "schema": {"type": type_}}
            for parameter, type_, description in PARAMETERS
            if action == "patch" or parameter != "force"
        ]
    return body


class _Schemas:
    """Collects the schemas of kinds, and of the structs in them."""

    def __init__(self) -> None:
        self.schemas: Body = {}

    def kind(self, definition: KindDefinition, version: str) -> str:
        """The schema of a kind; returns its name."""
        if definition.type is Untyped:
            return self._untyped(definition, version)
        name = self._struct(definition.type)
        kinds = self.schemas[name].setdefault(GVK, [])
        kinds.append({"group": definition.group, "version": version, "kind": definition.kind})
        return name

    def _untyped(self, definition: KindDefinition, version: str) -> str:
        """A kind without a struct: the user's schema describes it, or nothing does."""
        name = f"{'.'.join(reversed(definition.group.split('.'))) or 'io.k8s.api.core'}.{version}.{definition.kind}"
        head = self._struct(Untyped)
        schema: Body = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        if definition.no_effect:
            schema["description"] = f"{definition.kind} has no effect here: {definition.no_effect}"
        if definition.custom is not None:
            schema = dict(definition.custom.openapi(version))
        properties = schema.get("properties")
        schema["properties"] = {
            **(properties if isinstance(properties, dict) else {}),
            **self.schemas[head]["properties"],
        }
        schema[GVK] = [{"group": definition.group, "version": version, "kind": definition.kind}]
        self.schemas[name] = schema
        return name

    def _struct(self, cls: type[Any]) -> str:
        name = f"{cls.__module__.replace('mesh.resources', 'io.meshmall')}.{cls.__name__}"
        if name in self.schemas:
            return name
        schema: Body = {"type": "object", "description": python.cleandoc(cls.__doc__ or "")}
        self.schemas[name] = schema
        described = inspect.type_info(cls)
        assert isinstance(described, inspect.StructType)
        schema["properties"] = {f.encode_name: self._field(cls, f.encode_name, f.type) for f in described.fields}
        required = [f.encode_name for f in described.fields if f.required]
        if required:
            schema["required"] = required
        return name

    def _field(self, struct: type[Any], name: str, type_: inspect.Type) -> Body:
        schema = self._type(type_)
        if sentence := description(struct, name):
            schema["description"] = sentence
        if schema.get("type") == "array":
            if name in KEYS:
                schema["x-kubernetes-patch-merge-key"] = KEYS[name]
                schema["x-kubernetes-patch-strategy"] = "merge"
            elif name in SETS:
                schema["x-kubernetes-patch-strategy"] = "merge"
        return schema

    def _type(self, type_: inspect.Type) -> Body:
        if isinstance(type_, inspect.UnionType):
            kinds = [member for member in type_.types if not isinstance(member, inspect.NoneType)]
            if {type(member) for member in kinds} >= INT_OR_STRING:
                return {"x-kubernetes-int-or-string": True, "oneOf": [{"type": "integer"}, {"type": "string"}]}
            return self._type(kinds[0])
        if isinstance(type_, inspect.StructType):
            return {"allOf": [{"$ref": f"#/components/schemas/{self._struct(type_.cls)}"}]}
        if isinstance(type_, inspect.ListType):
            return {"type": "array", "items": self._type(type_.item_type)}
        if isinstance(type_, inspect.DictType):
            return {"type": "object", "additionalProperties": self._type(type_.value_type)}
        if isinstance(type_, inspect.Metadata):
            return self._type(type_.type)
        if type(type_) in SIMPLE:
            return {"type": SIMPLE[type(type_)]}
        return {"x-kubernetes-preserve-unknown-fields": True}
