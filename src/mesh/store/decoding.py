"""From the JSON objects that the store has to the structs that everybody else reads."""

from typing import Any

import msgspec

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.ref import Ref


def decode(ref: Ref, body: dict[str, Any]) -> Any:
    """The body as its kind's struct; as Untyped when a user has defined the kind."""
    definition = REGISTRY.by_kind(ref.group, ref.kind)
    return msgspec.convert(body, definition.type if definition else Untyped)


def identity(type_: type[Any]) -> tuple[str, str]:
    """Group and kind that a struct stands for. Raises KeyError when it is no kind."""
    definition = REGISTRY.by_type(type_)
    return definition.group, definition.kind


def is_persistent(ref: Ref) -> bool:
    """Whether objects of this kind outlive the daemon."""
    definition = REGISTRY.by_kind(ref.group, ref.kind)
    return definition is None or definition.persistent
