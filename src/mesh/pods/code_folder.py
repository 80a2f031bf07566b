"""A fork whose code lies in another folder of the machine: a git worktree beside the baseline's, for example.

The program starts in that folder, and what its command line and variables name in the baseline's folder is looked for
in the fork's first. An installed package would still be found before the folder's own: `PYTHONPATH` puts that right,
and `NODE_PATH` lends the baseline's installed modules to a folder that has none. Pure.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

from mesh.resources.core.pod import Container, Pod
from mesh.resources.meshmall.branch import CODE_CONTAINER, CODE_REPLACES

Exists = Callable[[str], bool]


class CodeFolder(NamedTuple):
    """`replaces` is the baseline's folder, "" when it has none."""

    folder: str
    replaces: str

    @classmethod
    def of(cls, pod: Pod, container: Container, program_folder: str) -> Self | None:
        """The folder of a container's code, if its pod belongs to a fork that names one.

        `program_folder` is that of the program that stands for the container's image.
        """
        annotations = pod.metadata.annotations or {}
        if annotations.get(CODE_CONTAINER) != container.name or not container.working_dir:
            return None
        return cls(container.working_dir, program_folder or annotations.get(CODE_REPLACES, ""))

    def words(self, words: Sequence[str], exists: Exists) -> list[str]:
        """A command line, with paths such as /repo/run.py and --config=/repo/x.yaml in the fork's folder."""
        moved = []
        for word in words:
            option, equals, value = word.partition("=")
            is_option = word.startswith("-") and bool(equals)
            moved.append(f"{option}={self._path(value, exists)}" if is_option else self._path(word, exists))
        return moved

    def variables(self, variables: Mapping[str, str], exists: Exists) -> dict[str, str]:
        """The variables, with lists of paths likewise, and where the languages look for the folder's own code."""
        moved = {
            name: os.pathsep.join(self._path(part, exists) for part in value.split(os.pathsep))
            for name, value in variables.items()
        }
        sources = f"{self.folder}/src"
        python = [*([sources] if exists(sources) else []), self.folder, moved.get("PYTHONPATH", "")]
        moved["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(part for part in python if part))
        modules = f"{self.replaces}/node_modules"
        if self.replaces and exists(modules) and not exists(f"{self.folder}/node_modules"):
            moved["NODE_PATH"] = os.pathsep.join(part for part in (moved.get("NODE_PATH", ""), modules) if part)
        return moved

    def _path(self, text: str, exists: Exists) -> str:
        """The fork's counterpart of a path in the baseline's folder, where there is one."""
        if not self.replaces or not f"{text}/".startswith(f"{self.replaces.rstrip('/')}/"):
            return text
        counterpart = self.folder + text[len(self.replaces.rstrip("/")) :]
        return counterpart if exists(counterpart) else text
