"""What Envoy refuses, with its reasons."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mesh.envoy.xds.resources import Kind, Resources


class Refusal(NamedTuple):
    """Envoy's answer to one version of a resource."""

    version: str
    reason: str


class Refusals:
    """By kind and name. A refusal concerns one version: another one is a new try."""

    def __init__(self) -> None:
        self._refusals: dict[tuple[Kind, str], Refusal] = {}

    def __contains__(self, resource: tuple[Kind, str]) -> bool:
        return resource in self._refusals

    def has(self, kind: Kind, name: str, version: str) -> bool:
        """Whether this version was refused."""
        refusal = self._refusals.get((kind, name))
        return refusal is not None and refusal.version == version

    def reasons(self) -> Mapping[tuple[Kind, str], str]:
        return {resource: refusal.reason for resource, refusal in self._refusals.items()}

    def names(self, kind: Kind) -> Iterator[str]:
        return (name for kind_, name in tuple(self._refusals) if kind_ is kind)

    def add(self, kind: Kind, name: str, refusal: Refusal) -> None:
        self._refusals[kind, name] = refusal

    def withdraw(self, kind: Kind, name: str, version: str | None = None) -> None:
        """Forgets the refusal of a version (None: of any): Envoy has taken it, or is asked again."""
        if version is None or self.has(kind, name, version):
            self._refusals.pop((kind, name), None)

    def keep_current(self, resources: Resources) -> None:
        """Forgets refusals of versions that Envoy should not have any more."""
        self._refusals = {
            (kind, name): refusal
            for (kind, name), refusal in self._refusals.items()
            if name in resources[kind] and resources[kind][name].version == refusal.version
        }

    def clear(self) -> None:
        """Another Envoy has connected: it refuses nothing yet."""
        self._refusals.clear()
