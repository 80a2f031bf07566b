"""The marks of all branches, by which a request is recognised in what programs forward."""

from collections.abc import Iterable

from mesh.resources.meshmall.branch import Branch
from mesh.resources.meshmall.marks import tag_of
from mesh.routing.memory import Memory
from mesh.routing.model.table import Marks


def marks_of(branches: Iterable[Branch], secret: bytes, memory: Memory) -> Marks:
    """Each branch's tag. While the branches are the same, so is the object: every route table has it."""
    names = tuple(dict.fromkeys(branch.metadata.name for branch in branches))

    def tag(name: str) -> str:
        return memory.keep(("tag", name), secret, lambda: tag_of(secret, name))

    return memory.keep("marks", (names, secret), lambda: Marks(tuple((name, tag(name)) for name in names)))
