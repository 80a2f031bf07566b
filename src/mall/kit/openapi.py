"""A service's OpenAPI 3.1 document, built from its operations and their types."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from mall.kit.problem import ProblemDetails
from mall.kit.settings import Settings

if TYPE_CHECKING:
    from mall.kit.answer import Answer
    from mall.kit.request import Request


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or cookie."""

    name: str
    description: str
    place: str = "query"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answer` and `body` are the types of the JSON; None means no JSON."""

    handler: "Callable[[Request], Coroutine[Any, Any, Answer]]"
    summary: str
    answer: Any = None
    status: int = 200
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def document(settings: Settings, operations: Mapping[tuple[str, str], Operation]) -> dict[str, Any]:
    """The document as JSON-like values."""
    types = [ProblemDetails]
    for operation in operations.values():
        types += [kind for kind in (operation.answer, operation.body) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    by_type = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in operations.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation, by_type)
    for path in ("/healthz/live", "/healthz/ready"):
        answers = {"200": {"description": "yes"}, "503": {"description": "no"}}
        paths[path] = {"get": {"operationId": f"get_{path[1:].replace('/', '_')}", "responses": answers}}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"mall {settings.service}", "version": settings.version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(method: str, path: str, operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": operation.summary}
    if operation.answer is not None:
        answer["content"] = {operation.media: {"schema": schemas[repr(operation.answer)]}}
    problem = {"application/problem+json": {"schema": schemas[repr(ProblemDetails)]}}
    body: dict[str, Any] = {
        "operationId": f"{method.lower()}_{path.strip('/').replace('/', '_') or 'root'}",
        "summary": operation.summary,
        "responses": {
            str(operation.status): answer,
            **{str(status): {"description": "a problem", "content": problem} for status in operation.problems},
        },
    }
    if operation.parameters:
        body["parameters"] = [
            {
                "name": parameter.name,
                "in": parameter.place,
                "description": parameter.description,
                "required": parameter.required,
                "schema": {"type": "string"},
            }
            for parameter in operation.parameters
        ]
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[repr(operation.body)]}}
        body["requestBody"] = {"required": True, "content": content}
    return body
