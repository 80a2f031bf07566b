"""How objects of the Gateway API name others: by group, kind and name, and in part a namespace."""

from mesh.resources.values.meta import Part


class LocalObjectReference(Part, frozen=True):
    """An object of the same namespace."""

    group: str
    kind: str
    name: str


class ParametersReference(LocalObjectReference, frozen=True):
    namespace: str = ""


class ObjectReference(LocalObjectReference, frozen=True):
    """`namespace` "": that of the object that refers to it."""

    namespace: str = ""


class SecretObjectReference(Part, frozen=True):
    """`namespace` "": that of the object that refers to it."""

    name: str
    group: str = ""
    kind: str = "Secret"
    namespace: str = ""
