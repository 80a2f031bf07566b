"""Objects of which only the head is known: kinds without an effect here, and those that users define."""

from mesh.resources.values.meta import Resource


class Untyped(Resource, frozen=True, forbid_unknown_fields=False):
    """An object whose fields beyond apiVersion, kind and metadata are kept as they were written."""
