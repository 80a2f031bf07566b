"""docs/troubleshooting.md and docs/examples.md: each command prints what the page says."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.mesh import Mesh, meshes
from tests.support.places import ROOT
from tests.support.shell import run_script

pytestmark = pytest.mark.slow

PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("troubleshooting.md", "examples.md")}
FILE = re.compile(r"^\*\*`(?P<name>\S+)`\*\*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Shown:
    """A command of the page, and the lines below it."""

    command: str
    lines: str

    def __str__(self) -> str:
        return self.command

    def pattern(self, address: str) -> str:
        """What the output has to match: `...` stands for anything; alone on a line, for any lines."""
        text = self.lines.replace(ADDRESS, address, 1) if "cannot be used" in self.lines else self.lines
        parts = [".*" if line == "..." else re.escape(line).replace(r"\.\.\.", "[^\n]*") for line in text.splitlines()]
        return "\n?".join(parts) + r"\s*"


def shown(page: str) -> Iterator[Shown]:
    for block in CONSOLE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, lines = part.partition("\n")
            yield Shown(command, lines)


@pytest.fixture(scope="module")
def reader() -> Iterator[tuple[Mesh, Path]]:
    """A mesh with the mall, and a folder with the page's files."""
    with meshes() as make, tempfile.TemporaryDirectory() as folder:
        mesh = make()
        mesh.up()
        for page in PAGES.values():
            for match in FILE.finditer(page):
                (Path(folder) / match["name"]).write_text(match["text"])
        yield mesh, Path(folder)


@pytest.mark.parametrize(("page", "least"), [("troubleshooting.md", 18), ("examples.md", 12)])
def test_every_command_prints_what_the_page_says(reader: tuple[Mesh, Path], page: str, least: int) -> None:
    mesh, folder = reader
    commands = [*shown(PAGES[page])]
    assert len(commands) >= least
    for example in commands:
        environment = {
            **os.environ, "HOME": str(folder), "MESHMALL_HOME": str(mesh.home), "COLUMNS": "200",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }  # fmt: skip
        # The one thing that a reader does not type: the address, because other meshes run beside.
        command = example.command.replace("meshmall up", f"meshmall up --address {mesh.address}")
        command = command.replace(f"http://{ADDRESS}:", f"http://{mesh.address}:")
        # The shell's own status is of no interest: the message is.
        printed = run_script(f"( {command} ) 2>&1 || true", folder, environment)
        assert re.fullmatch(example.pattern(mesh.address), printed, re.DOTALL), f"{example}\n{printed}"
