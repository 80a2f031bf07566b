"""Commands of the command line without a mesh: a client that answers from memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mesh.client.api import Client, Outcome, Result, Synced
from mesh.client.errors import ApiError
from mesh.daemon.home import Home
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context
from meshmall.cli.view import View


@dataclass
class FakeClient:
    """Answers from what it is given, and records what it was asked to change.

    `answers` has what the mesh's own paths answer, by the name of the client's method. `refuses` is raised by every
    change.
    """

    objects: dict[Ref, Body] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    refuses: ApiError | None = None
    warnings: tuple[str, ...] = ()
    applied: list[Body] = field(default_factory=list)
    deleted: list[Ref] = field(default_factory=list)
    patched: list[tuple[Ref, Body]] = field(default_factory=list)

    def get(self, ref: Ref) -> Body:
        if ref not in self.objects:
            raise ApiError(404, f"{ref} not found")
        return self.objects[ref]

    def list(self, group: str, kind: str, namespace: str | None, *, selector: str = "") -> list[Body]:
        assert not selector
        return [
            body
            for ref, body in self.objects.items()
            if (ref.group, ref.kind) == (group, kind) and namespace in (None, ref.namespace)
        ]

    def apply(
        self, objects: Sequence[Body], *, namespace: str | None = None, dry_run: bool = False, keep_edits: bool = False
    ) -> Outcome:
        self._change()
        self.applied += objects
        refs = [Ref("", body["kind"], namespace or "", body["metadata"]["name"]) for body in objects]
        return Outcome(tuple(Result(ref, "created", self.warnings) for ref in refs), 7)

    def delete(self, refs: Sequence[Ref], *, grace: int | None = None, dry_run: bool = False) -> Outcome:
        self._change()
        self.deleted += refs
        return Outcome(tuple(Result(ref, "deleted", ()) for ref in refs), 8)

    def patch(self, ref: Ref, change: Body) -> Body:
        self._change()
        self.patched.append((ref, change))
        return self.objects[ref]

    def sync(self, version: int, *, timeout: float = 30.0) -> Synced:
        return Synced(version, 1.5, ())

    def logs(self, namespace: str, pod: str, **options: Any) -> Iterator[bytes]:
        self.answers["log"] = (namespace, pod, options)
        yield from (b"one\n", b"two\n")

    def __getattr__(self, name: str) -> Any:
        """The mesh's own paths: `status`, `request`, `last_request`, `topology`, `pod_metrics`, `route`."""
        answer = self.answers[name]
        return lambda *arguments, **options: answer(*arguments, **options) if callable(answer) else answer

    def _change(self) -> None:
        if self.refuses is not None:
            raise self.refuses


def context_with(client: FakeClient, home: Path, namespace: str | None = None) -> Context:
    """What a command works with, when the mesh of this home runs and answers as `client` does."""
    return Context(Home(home), View(), namespace, cast(Client, client))
