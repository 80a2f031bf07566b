"""Keeps the locks in step with `pyproject.toml`: `requirements-dev.lock`, the exact development environment, and
`requirements-docs.lock`, what builds the site of the docs.

`python -m tools.lock` succeeds when the first was made for the requirements that pyproject.toml has now; with `--write`
it makes both anew (needs uv). `make` installs from the lock when it matches, and resolves pyproject.toml otherwise.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-dev.lock"
DOCS_LOCK = ROOT / "requirements-docs.lock"
COMPILE = ("uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header")
QUIET = ("--no-emit-index-url", "--quiet")
ENVIRONMENT = ("pyproject.toml", "--extra", "mongodb", "--extra", "dev")
DOCS = ("--group", "docs")
FIRST_LINE = "# Made by `make lock` for the requirements of pyproject.toml with this digest: "


def digest() -> str:
    """Of everything that decides which packages are installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = [project["requires-python"], project["dependencies"], project["optional-dependencies"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if arguments == ["--write"]:
        return _write()
    try:
        first = LOCK.read_text().partition("\n")[0]
    except OSError:
        return 1
    return 0 if first == FIRST_LINE + digest() else 1


def _write() -> int:
    if shutil.which("uv") is None:
        sys.stderr.write("make lock needs uv: pip install uv\n")
        return 1
    for lock, requirements in ((LOCK, ENVIRONMENT), (DOCS_LOCK, DOCS)):
        command = (*COMPILE, *QUIET, *requirements)
        compiled = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if compiled.returncode:
            sys.stderr.write(compiled.stderr)
            return 1
        lock.write_text(f"{FIRST_LINE}{digest()}\n{compiled.stdout}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
