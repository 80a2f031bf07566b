"""`meshmall schema`: a kind's fields as JSON Schema, by which an editor completes and checks YAML."""

import json
from typing import Any

from mesh.api.meta.openapi import Documents
from mesh.daemon.failure import Failure
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from meshmall.cli.context import Context
from meshmall.cli.kinds import kind_named

DRAFT = "http://json-schema.org/draft-07/schema#"
PREFIX = "#/components/schemas/"


def print_schema(context: Context, word: str) -> None:
    """Prints the schema of a kind. Raises Failure when there is no such kind, or when nothing describes its fields."""
    context.view.plain(json.dumps(json_schema(kind_named(context, word)), indent=2))


def json_schema(definition: KindDefinition) -> dict[str, Any]:
    """The JSON Schema (draft 7, which editors know best) of a kind's first version.

    Unknown fields do not match, as the API refuses them. Raises Failure for a kind without a schema here.
    """
    version = definition.versions[0]
    raw = Documents().document(definition.group, version, REGISTRY)
    kind = {"group": definition.group, "version": version, "kind": definition.kind}
    schemas = json.loads((raw or b'{"components": {"schemas": {}}}').replace(PREFIX.encode(), b"#/definitions/"))
    definitions = schemas["components"]["schemas"]
    name = next(
        (name for name, schema in definitions.items() if kind in schema.get("x-kubernetes-group-version-kind", ())), ""
    )
    if not name or definitions[name].get("x-kubernetes-preserve-unknown-fields"):
        raise Failure(f"{definition.kind}: this program has no schema of its fields")
    for schema in definitions.values():
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema["additionalProperties"] = False
    properties = definitions[name]["properties"]
    api_version = f"{definition.group}/{version}" if definition.group else version
    properties["apiVersion"]["enum"] = [api_version]
    properties["kind"]["enum"] = [definition.kind]
    return {
        "$schema": DRAFT,
        "title": f"{definition.kind} ({api_version})",
        "$ref": f"#/definitions/{name}",
        "definitions": _reachable(definitions, name),
    }


def _reachable(definitions: dict[str, Any], name: str) -> dict[str, Any]:
    """The definitions that one of them refers to, directly or not, and itself."""
    names: list[str] = [name]
    for current in names:
        names += [other for other in _references(definitions[current]) if other not in names]
    return {name: definitions[name] for name in names}


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, dict):
        return []
    names = [name for value in schema.values() for name in _references(value)]
    reference = schema.get("$ref")
    return [*names, reference.rpartition("/")[2]] if isinstance(reference, str) else names
