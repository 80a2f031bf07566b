"""Installs the oldest versions of the dependencies that pyproject.toml allows, to test that end of the ranges.

`python -m tools.oldest FOLDER` makes a virtual environment there: what the program needs in its oldest versions, what
only the tests need in its newest. `make test-oldest` runs the tests in it; the lock has the other end. pymongo is left
out, since a package of the tests needs a newer one than the program does.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# `name>=1.2` or `name==1.2.*`: the forms that pyproject.toml has.
RANGE = re.compile(r"([A-Za-z0-9._-]+)(?:>=([0-9][0-9.]*)|==([0-9][0-9.]*\*))$")


def constraints(requirements: Iterable[str]) -> Iterator[str]:
    """A line of pip's constraints file for each requirement. Raises ValueError for one without a lower end."""
    for requirement in requirements:
        match = RANGE.match(requirement.partition(";")[0].replace(" ", ""))
        if match is None:
            raise ValueError(f"{requirement}: is neither NAME>=VERSION nor NAME==VERSION.*")
        name, lowest, exact = match.groups()
        yield f"{name}=={lowest or exact}"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tools.oldest FOLDER\n")
        return 2
    folder = Path(arguments[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(constraints(project["dependencies"]))
    venv.create(folder, with_pip=True, clear=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        command = [
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "-e",
            ".[mongodb,dev]",
            "-c",
            file.name,
        ]
        return subprocess.run([folder / "bin" / "python", *command], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
