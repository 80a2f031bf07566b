"""Marks a field of a struct as JSON that is checked by a shape (`mesh.resources.shapes`) and not decoded further."""

from msgspec import Meta

SHAPE = "shape"


def shaped(type_: str) -> Meta:
    """For `Annotated[Json, shaped("Affinity")]`; `type_` is in the notation of `mesh.resources.shapes.grammar`."""
    return Meta(extra={SHAPE: type_})
