"""What the controller remembers about one branch, besides what is in the store."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mesh.branches.expiry import Expiry
from mesh.resources.meshmall.branch import GROUP, Branch
from mesh.resources.values.ref import Ref


class Key(NamedTuple):
    """A branch's namespace and name."""

    namespace: str
    name: str

    @property
    def ref(self) -> Ref:
        return Ref(GROUP, "Branch", self.namespace, self.name)

    def __str__(self) -> str:
        return str(self.ref)


@dataclass(frozen=True, slots=True)
class Awaited:
    """A state that Envoy has not acknowledged yet: the branch's generation, and the store's version with all of it."""

    generation: int
    version: int


@dataclass(slots=True)
class Record:
    """One branch.

    `failures` says why a Deployment of the branch could not be created, by service; `announced` is the end that an
    event was last written about; `awaited` is what Envoy has to acknowledge before the branch is ready, and
    `acknowledged` the generation that Envoy acknowledged last.
    """

    branch: Branch
    expiry: Expiry
    failures: dict[str, str] = field(default_factory=dict)
    announced: datetime | None = None
    awaited: Awaited | None = None
    acknowledged: int | None = None

    @property
    def urls(self) -> frozenset[str]:
        """Where the developers' processes of this branch listen."""
        return frozenset(change.url for change in self.branch.spec.services.values() if change.url)
