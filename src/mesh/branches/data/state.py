"""How far a branch's store is."""

from typing import NamedTuple

from mesh.resources.values.body import Body


class StoreState(NamedTuple):
    """How far a store is. `replicas` is the number of pods that have a copy, 0 while there is none; `phase` and the
    other fields are those of `BranchDataStatus`."""

    phase: str
    replicas: int = 0
    message: str = ""
    status: Body = {}  # noqa: RUF012 - never changed
