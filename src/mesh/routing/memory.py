"""What a compilation keeps for the next one, so that a change costs what depends on it."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Same:
    """Equal to another of the same object alone, for inputs that are large and not compared."""

    __slots__ = ("_of",)

    def __init__(self, of: object) -> None:
        self._of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._of is other._of

    def __hash__(self) -> int:
        return id(self._of)


class Memory:
    """Values by what they were worked out of: `keep` gives the value of the last time when nothing of that differs.

    What everything may depend on is the environment; when it differs all is forgotten. A value that is not asked for
    in one compilation is gone in the next. Resources are immutable, and stay the same objects in the store until they
    are written, so that comparing them is mostly comparing identities.
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[Any, Any]] = {}
        self._next: dict[Hashable, tuple[Any, Any]] = {}
        self._environment: Any = None

    def begin(self, environment: object) -> None:
        """Starts a compilation."""
        self._held = self._next if self._environment == environment else {}
        self._next = {}
        self._environment = environment

    def last(self, key: Hashable) -> Any:
        """The value of the last time, whatever it was worked out of; None when there was none."""
        held = self._held.get(key)
        return held[1] if held is not None else None

    def keep(self, key: Hashable, inputs: object, make: Callable[[], T]) -> T:
        """The value for a key. `make` must depend on `inputs` and the environment alone."""
        held = self._held.get(key)
        if held is None or held[0] != inputs:
            held = (inputs, make())
        self._next[key] = held
        value: T = held[1]
        return value
