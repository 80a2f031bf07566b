"""From the JSON objects that the store has to the structs that everybody else reads."""

from typing import Any

import msgspec

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.ref import Ref


def decode(ref: Ref, body: dict[str, Any]) -> Any:
    """The body as its kind's struct; as Untyped when a user has defined the kind."""
    info = REGISTRY.by_kind(ref.group, ref.kind)
    return msgspec.convert(body, info.type if info else Untyped)


def identity(type_: type[Any]) -> tuple[str, str]:
    """Group and kind that a struct stands for. Raises KeyError when it is no kind."""
    info = REGISTRY.by_type(type_)
    return info.group, info.kind


def kept(ref: Ref) -> bool:
    """Whether objects of this kind outlive the daemon."""
    info = REGISTRY.by_kind(ref.group, ref.kind)
    return info is None or info.kept
