"""The forms in which objects are answered: as they are, as a Table, or their metadata alone (meta.k8s.io/v1)."""

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

from mesh.api.transport.status_errors import Problem
from mesh.resources.values.body import Body

META = "meta.k8s.io/v1"
JSON_TYPES = frozenset({"application/json", "application/yaml", "application/*", "*/*"})
FORMS = "application/json, application/yaml"


class Form(Enum):
    """What a client asks for."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"


@lru_cache(maxsize=256)
def representation(accept: str) -> Form:
    """The first form of an Accept header that is served. Raises Problem (406) when none is.

    A client that takes protobuf alone gets JSON, whose content type says so: official clients read both.
    """
    parts = [part.strip() for part in accept.replace(" ", "").split(",") if part.strip()]
    for part in parts:
        type_, *parameters = part.split(";")
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        name = values.get("as", "").removesuffix("List")
        if not name and (type_ in JSON_TYPES or type_.startswith("application/vnd.kubernetes.protobuf")):
            return Form.OBJECT
        # Other versions than v1 are those of old clients, which also take the object.
        if type_ in JSON_TYPES and name in ("Table", "PartialObjectMetadata") and values.get("v", "v1") == "v1":
            return Form(name)
    if parts:
        raise Problem(406, f'"{accept}" is not acceptable; available are {FORMS}')
    return Form.OBJECT


def metadata_only(body: Mapping[str, Any]) -> Body:
    """The object's metadata, as clients get it that only count, list or garbage-collect objects."""
    return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": body["metadata"]}
