"""`/mesh/v1/snapshots`: the data of stores, kept under a name; `/mesh/v1/data/diff`: what a branch changed in it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from mesh.api.transport.http import Reply, Request
from mesh.api.transport.router import Route
from mesh.api.transport.status_errors import Problem
from mesh.branches.data.copy_job import DataError
from mesh.branches.data.diff import DataDiff
from mesh.branches.data.snapshots import Snapshots
from mesh.resources.meshmall.branch import BASELINE, EMPTY, GROUP, Branch, BranchData
from mesh.resources.values.names import wrong_label
from mesh.resources.values.ref import Ref
from mesh.store import Store


class DataPaths:
    """Answers the paths. Every problem is 422 with the reason: none is a mistake of the request's form."""

    def __init__(self, store: Store, snapshots: Snapshots, diff: DataDiff) -> None:
        self._store = store
        self._snapshots = snapshots
        self._diff = diff

    @property
    def routes(self) -> Sequence[Route]:
        return [
            Route(("GET",), "/mesh/v1/snapshots", self.list),
            Route(("POST",), "/mesh/v1/snapshots", self.create),
            Route(("POST",), "/mesh/v1/snapshots/restore", self.restore),
            Route(("POST",), "/mesh/v1/snapshots/delete", self.delete),
            Route(("POST",), "/mesh/v1/data/diff", self.diff),
        ]

    async def list(self, request: Request) -> Reply:
        """The snapshots of `namespace`."""
        return Reply({"items": self._snapshots.in_namespace(request.query.get("namespace", ""))})

    async def create(self, request: Request) -> Reply:
        """Makes the snapshot `name` of `stores`, each as in spec.data of a Branch. Raises Problem (400, 422)."""
        body = await request.json_object()
        namespace, name = _place(body)
        if wrong := wrong_label(name):
            raise Problem(422, f"name: {wrong}")
        if name in (BASELINE, EMPTY):
            raise Problem(422, f'name: "{name}" means something else as the source of a branch\'s data')
        try:
            stores = msgspec.convert(body.get("stores"), dict[str, BranchData])
            return Reply(await self._snapshots.create(namespace, name, stores))
        except (DataError, msgspec.ValidationError) as error:
            raise Problem(422, str(error)) from None

    async def restore(self, request: Request) -> Reply:
        """Puts the baseline's stores back to the snapshot `name`. Raises Problem (400, 422)."""
        try:
            return Reply(await self._snapshots.restore(*_place(await request.json_object())))
        except DataError as error:
            raise Problem(422, str(error)) from None

    async def delete(self, request: Request) -> Reply:
        """Removes the snapshot `name`. Raises Problem (400, 422)."""
        try:
            await self._snapshots.delete(*_place(await request.json_object()))
        except DataError as error:
            raise Problem(422, str(error)) from None
        return Reply({})

    async def diff(self, request: Request) -> Reply:
        """Compares the `stores` (all, if there are none) of the `branch` in `namespace`. Raises Problem (404, 422)."""
        body = await request.json_object()
        ref = Ref(GROUP, "Branch", str(body.get("namespace", "")), str(body.get("branch", "")))
        stored = self._store.get(ref)
        branch: Branch | None = self._store.typed(stored) if stored is not None else None
        if branch is None:
            raise Problem(404, f"there is no branch {ref.name!r} in namespace {ref.namespace}")
        names = [str(name) for name in body.get("stores") or branch.spec.data]
        try:
            return Reply({"items": await self._diff.diff(branch, names)})
        except DataError as error:
            raise Problem(422, str(error)) from None


def _place(body: dict[str, Any]) -> tuple[str, str]:
    """The namespace and name; both become folders. Raises Problem (400)."""
    names = str(body.get("namespace", "")), str(body.get("name", ""))
    for name in names:
        if wrong := wrong_label(name):
            raise Problem(400, f"{name[:80]!r}: {wrong}")
    return names
