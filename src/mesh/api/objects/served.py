"""The kinds that a server has now: the mesh's own, and those that users have defined."""

from collections.abc import Iterable, Mapping
from typing import Any

from mesh.resources.custom.definitions import GROUP, KIND, check_definition, extended, is_definition
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry
from mesh.resources.validation.structure import plain
from mesh.resources.values.problems import Invalid
from mesh.store import Store

Body = Mapping[str, Any]


class ServedKinds:
    """Follows the CustomResourceDefinitions of one store; a definition counts from the commit that stored it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: tuple[int, ...] = ()
        self._registry = REGISTRY

    @property
    def registry(self) -> Registry:
        """All kinds now. The same object as long as no definition changes."""
        definitions = self._store.list(GROUP, KIND)
        seen = tuple(stored.version for stored in definitions)
        if seen != self._seen:
            self._registry = extended(stored.body for stored in definitions)
            self._seen = seen
        return self._registry

    def with_definitions(self, bodies: Iterable[Body]) -> Registry:
        """All kinds as they would be after a change. Invalid definitions are ignored here; admission reports them."""
        coming = {valid["metadata"]["name"]: valid for body in bodies if (valid := _valid(body))}
        if not coming:
            return self.registry
        stored = {definition.ref.name: definition.body for definition in self._store.list(GROUP, KIND)}
        return extended({**stored, **coming}.values())


def _valid(body: Body) -> Body | None:
    """`body`, if it is a valid definition."""
    if not isinstance(body, dict) or not is_definition(body) or not isinstance(body.get("metadata"), dict):
        return None
    try:
        definition: Body = plain(body)
    except Invalid:
        return None
    return None if check_definition(definition) else definition
