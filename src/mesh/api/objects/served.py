"""The kinds that a server has at this moment: the mesh's own, and those that users have defined."""

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
        found = self._store.list(GROUP, KIND)
        seen = tuple(each.version for each in found)
        if seen != self._seen:
            self._registry = extended(each.body for each in found)
            self._seen = seen
        return self._registry

    def with_definitions(self, bodies: Iterable[Body]) -> Registry:
        """All kinds as they would be after a change; what is wrong in a definition is told elsewhere."""
        coming = {found["metadata"]["name"]: found for body in bodies if (found := _right(body))}
        if not coming:
            return self.registry
        stored = {each.ref.name: each.body for each in self._store.list(GROUP, KIND)}
        return extended({**stored, **coming}.values())


def _right(body: Body) -> Body | None:
    """The definition in `body`, when it is one with nothing wrong."""
    if not isinstance(body, dict) or not is_definition(body) or not isinstance(body.get("metadata"), dict):
        return None
    try:
        found: Body = plain(body)
    except Invalid:
        return None
    return None if check_definition(found) else found
