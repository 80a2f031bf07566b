"""The store's vocabulary: objects, changes and events."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref

Decode = Callable[[Ref, Body], Any]


class Stored:
    """An object as it was at one version. Immutable: neither `body` nor what is in it may be changed.

    `body` is the JSON object as Kubernetes shows it, `version` its metadata.resourceVersion.
    """

    __slots__ = ("_decode", "_typed", "_without_generation", "body", "ref", "version")

    def __init__(self, ref: Ref, version: int, body: Body, decode: Decode) -> None:
        self.ref = ref
        self.version = version
        self.body = body
        self._decode = decode
        self._typed: Any = None
        self._without_generation: Body | None = None

    @property
    def typed(self) -> Any:
        """The body as its kind's struct, decoded once. Raises msgspec.ValidationError if it does not fit."""
        if self._typed is None:
            self._typed = self._decode(self.ref, self.body)
        return self._typed

    @property
    def without_generation(self) -> Body:
        """The body without metadata.generation, which clients see of some kinds only; made once, since lists repeat."""
        if self._without_generation is None:
            metadata = {name: value for name, value in self.body["metadata"].items() if name != "generation"}
            self._without_generation = {**self.body, "metadata": metadata}
        return self._without_generation

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`body["metadata"]`."""
        metadata: Mapping[str, Any] = self.body["metadata"]
        return metadata

    @property
    def uid(self) -> str:
        """metadata.uid: distinguishes an object from a later one of the same name."""
        return str(self.body["metadata"]["uid"])

    def __repr__(self) -> str:
        return f"<{self.ref} at {self.version}>"


class Put(NamedTuple):
    """Create the object, or replace it completely.

    `if_version` None accepts whatever is there, 0 requires that nothing is, another number requires that version.
    `body` is stored, not copied: the caller must not change it afterwards. Its metadata needs no uid, resourceVersion,
    creationTimestamp or generation: the store sets these. `uid` is the one of a new object whose content depends on
    it, such as a Job, which selects its pods by it.
    """

    ref: Ref
    body: Body
    if_version: int | None = None
    uid: str = ""


class Delete(NamedTuple):
    """Remove the object if it is at `if_version` (None: at any)."""

    ref: Ref
    if_version: int | None = None


Change = Put | Delete
EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class Event(NamedTuple):
    """A change of an object. For a deletion, `object` is the last state, with the version of the deletion.

    `previous` is the state before (None for ADDED): a selector needs it to notice that an object no longer matches.
    """

    type: EventType
    object: Stored
    version: int
    previous: Stored | None = None
