"""What the controller remembers about branches, besides what is in the store: one record per branch."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mesh.branches.data.state import StoreState
from mesh.branches.expiry import Expiry
from mesh.resources.meshmall.branch import GROUP, Branch, own_changes
from mesh.resources.values.ref import Ref


class Key(NamedTuple):
    """A branch's namespace and name."""

    namespace: str
    name: str

    @classmethod
    def of(cls, branch: Branch) -> "Key":
        return cls(branch.metadata.namespace, branch.metadata.name)

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

    `failures` says why a workload of the branch could not be created, by service; `data` how far its stores are;
    `announced` is the end that an event was last written about; `awaited` is what Envoy has to acknowledge before the
    branch is ready, and `acknowledged` the generation that Envoy acknowledged last.
    """

    branch: Branch
    expiry: Expiry
    failures: dict[str, str] = field(default_factory=dict)
    data: dict[str, StoreState] = field(default_factory=dict)
    announced: datetime | None = None
    awaited: Awaited | None = None
    acknowledged: int | None = None

    def must_be_announced(self, now: datetime) -> bool:
        """Whether its end is near and no event says so yet; once per end, so that an extension is announced again."""
        return self.expiry.is_near(now) and self.announced != self.expiry.end

    def is_due(self, now: datetime) -> bool:
        """Whether its end has come, or has to be announced."""
        return self.expiry.is_over(now) or self.must_be_announced(now)

    @property
    def urls(self) -> frozenset[str]:
        """Where the developers' processes of this branch listen."""
        return frozenset(change.url for change in own_changes(self.branch).values() if change.url)


class Records(dict[Key, Record]):
    """All branches."""

    def __init__(self) -> None:
        super().__init__()
        self._wake_at: datetime | None = None
        self._earlier_end = asyncio.Event()

    async def until_an_end_before(self, wake_at: datetime) -> None:
        """Waits until a branch is added or changed so that its end must be looked at earlier than at `wake_at`.

        Most branches end hours later, so that adding one wakes nobody.
        """
        self._wake_at = wake_at
        self._earlier_end.clear()
        await self._earlier_end.wait()

    def remember(self, branch: Branch, expiry: Expiry) -> Record:
        """Updates the record of a branch; a new branch of an old name gets a new record."""
        key = Key.of(branch)
        record = self.get(key)
        if record is None or record.branch.metadata.uid != branch.metadata.uid:
            record = self[key] = Record(branch, expiry)
        if self._wake_at is not None and expiry.warning < self._wake_at:
            self._earlier_end.set()
        record.branch, record.expiry = branch, expiry
        return record

    def urls(self) -> frozenset[str]:
        """Where all developers' processes listen."""
        return frozenset[str]().union(*(record.urls for record in self.values()))

    def failure(self, namespace: str, branch: str, service: str) -> str:
        """Why the Deployment for a service of a branch could not be created; "" if it could."""
        record = self.get(Key(namespace, branch))
        return record.failures.get(service, "") if record is not None else ""
