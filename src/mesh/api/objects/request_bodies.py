"""What clients send about objects: checked against the path, and the options that come with them."""

from typing import Any

from mesh.api.objects.paths import Target
from mesh.api.transport.duplicate_fields import duplicate_fields
from mesh.api.transport.http import Request
from mesh.api.transport.status_errors import Problem, Unreadable, invalid
from mesh.resources.validation.documents import documents
from mesh.resources.validation.manifest import UnknownFields
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Invalid, Reason
from mesh.resources.values.ref import Ref


def body_of_target(body: Any, target: Target) -> Body:
    """The body, completed with the kind and namespace that the path names. Raises Problem (400) when it has others."""
    if not isinstance(body, dict):
        raise Problem(400, "the object is not a JSON object")
    # Absent is empty to Kubernetes: the name is what is missing then.
    metadata = body.get("metadata")
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise Problem(400, "metadata: is not a map")
    expected = {"apiVersion": target.api_version, "kind": target.definition.kind}
    for name, value in expected.items():
        if body.get(name) not in (value, None, ""):
            raise Unreadable(400, f'{name}: "{body[name]}" is not what this path takes ("{value}")')
    namespace = metadata.get("namespace")
    if target.definition.namespaced and namespace not in (None, "", target.namespace):
        raise Problem(
            400,
            f"the namespace of the provided object ({namespace}) does not match the namespace sent on the "
            f"request ({target.namespace})",
        )
    if target.definition.namespaced:
        metadata = {**metadata, "namespace": target.namespace}
    return {**body, **expected, "metadata": metadata}


def one_document(raw: bytes) -> Body:
    """The object of a server-side apply: YAML, of which JSON is a part. Raises Problem (400)."""
    try:
        bodies = [body for body, _ in documents(raw.decode(), "")]
    except (Invalid, UnicodeDecodeError) as error:
        raise Problem(400, f"the body is not YAML: {error}") from None
    if len(bodies) != 1 or not isinstance(bodies[0], dict):
        raise Problem(400, "the body is not one object")
    return bodies[0]


def unknown_fields(request: Request) -> UnknownFields:
    """What the query says about fields that the kind does not have. Raises Problem (422) for an unknown value."""
    value = request.query.get("fieldValidation", "")
    # A server-side apply owns fields by the schema: one that is not in it could have no owner.
    if request.headers.get("content-type", "").startswith("application/apply-patch"):
        return UnknownFields.REJECTED
    try:
        return UnknownFields(value or UnknownFields.WARNED)
    except ValueError:
        message = f'"{value[:80]}" is none of "", "Ignore", "Strict", "Warn"'
        error = FieldError("fieldValidation", message, reason=Reason.NOT_SUPPORTED)
        raise invalid(Ref("meta.k8s.io", request.options, "", ""), [error]) from None


def duplicates(target: Target, request: Request, treatment: UnknownFields) -> list[str]:
    """The warnings for fields that the body has twice. Raises Problem (400) when unknown fields are rejected, too."""
    if treatment is UnknownFields.IGNORED:
        return []
    found = [f'duplicate field "{path}"' for path in duplicate_fields(request.raw_json)]
    if found and treatment is UnknownFields.REJECTED:
        kind = target.definition.kind
        why = f"strict decoding error: {', '.join(found)}"
        raise Problem(400, f'{kind} in version "{target.version}" cannot be handled as a {kind}: {why}')
    return found


def resource_version(value: Any) -> int | None:
    """metadata.resourceVersion as a number, None when it is not set. Raises Problem (400)."""
    if not value:
        return None
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()) or len(value) > 18:
        raise Problem(400, f"metadata.resourceVersion: {value!r} was not given by this server")
    return int(value)
