"""The marks of all branches, by which a request is recognised in what programs forward."""

from collections.abc import Iterable

from mesh.resources.meshmall.branch import Branch
from mesh.resources.meshmall.marks import tag_of
from mesh.routing.memory import Memory
from mesh.routing.model.table import Marks


def marks_of(branches: Iterable[Branch], secret: bytes, memory: Memory) -> Marks:
    """Each branch's tag. While the branches are the same, so is the object: every route table has it."""
    names = tuple(dict.fromkeys(branch.metadata.name for branch in branches))

    def build() -> Marks:
        last: Marks | None = memory.last("marks")
        # A tag takes longer than all the rest: those of before are used again, if the secret is the same.
        tags = dict(last.tags) if last is not None and memory.last("secret") == secret else {}
        return Marks(tuple((name, tags.get(name) or tag_of(secret, name)) for name in names))

    marks = memory.keep("marks", (names, secret), build)
    memory.keep("secret", secret, lambda: secret)
    return marks
