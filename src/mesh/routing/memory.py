"""What a compilation remembers for the next one, so that a change costs what depends on it."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Same:
    """Equal only to another `Same` of the same object, for inputs that are too large to be compared."""

    __slots__ = ("_of",)

    def __init__(self, of: object) -> None:
        self._of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._of is other._of

    def __hash__(self) -> int:
        return id(self._of)


class Memory:
    """Values with the inputs that they were built from: `keep` returns the last value while its inputs are equal.

    What everything may depend on is the environment; when it differs, everything is forgotten. A value that is not
    used in one compilation is forgotten in the next. Resources are immutable, and stay the same objects in the store
    until they are written, so that comparing them is mostly comparing identities.
    """

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[Any, Any]] = {}
        self._next: dict[Hashable, tuple[Any, Any]] = {}
        self._environment: Any = None

    def begin(self, environment: object) -> None:
        """Starts a compilation."""
        self._last = self._next if self._environment == environment else {}
        self._next = {}
        self._environment = environment

    def last(self, key: Hashable) -> Any:
        """The last value, whatever its inputs were; None when there is none."""
        entry = self._last.get(key)
        return entry[1] if entry is not None else None

    def keep(self, key: Hashable, inputs: object, build: Callable[[], T]) -> T:
        """The value for a key. `build` must depend on nothing but `inputs` and the environment."""
        entry = self._last.get(key)
        if entry is None or entry[0] != inputs:
            entry = (inputs, build())
        self._next[key] = entry
        value: T = entry[1]
        return value
