"""Finds the definition of a kind, and the kinds that share a property."""

from collections.abc import Sequence

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition, Routing
from mesh.resources.values.meta import Resource
from mesh.resources.values.ref import GroupKind


class Registry:
    """All kinds there are, keyed by group and kind. Immutable."""

    def __init__(self, definitions: Sequence[KindDefinition]) -> None:
        # The first of a name counts: a kind with a meaning comes before the list of those without.
        self._by_kind = {definition.group_kind: definition for definition in reversed(definitions)}
        self._all = tuple(
            definition for definition in definitions if self._by_kind[definition.group_kind] is definition
        )
        self._by_plural = {(definition.group, definition.plural): definition for definition in self._all}
        self._by_type = {definition.type: definition for definition in self._all if definition.type is not Untyped}
        checked = [definition for definition in self._all if definition.check_references is not None]
        referenced = {group_kind for definition in checked for group_kind in definition.references}
        self._cross_checked = tuple(
            definition for definition in self._all if definition in checked or definition.group_kind in referenced
        )
        self._routing = tuple(definition for definition in self._all if definition.routing is not Routing.NONE)

    def by_kind(self, group: str, kind: str) -> KindDefinition | None:
        """The definition of a kind; None when there is none."""
        return self._by_kind.get(GroupKind(group, kind))

    def by_plural(self, group: str, plural: str) -> KindDefinition | None:
        """The definition of a kind, by the name that paths have for it."""
        return self._by_plural.get((group, plural))

    def by_type(self, type_: type[Resource]) -> KindDefinition:
        """The definition of the kind that a struct stands for. Raises KeyError when it is none."""
        return self._by_type[type_]

    def all(self) -> tuple[KindDefinition, ...]:
        """Every kind, in the order in which they are listed to users."""
        return self._all

    def routing_kinds(self) -> tuple[KindDefinition, ...]:
        """The kinds that routing looks at: watched, and compiled into the world."""
        return self._routing

    def cross_checked_kinds(self) -> tuple[KindDefinition, ...]:
        """The kinds whose objects are checked against each other (`check_references`), and the kinds they name."""
        return self._cross_checked

    def refusable_kinds(self) -> tuple[KindDefinition, ...]:
        """The kinds whose objects Envoy can refuse: rules, and what they route to."""
        return tuple(definition for definition in self._routing if definition.routing in (Routing.TARGET, Routing.RULE))
