"""Keeps `requirements-dev.lock`, the exact development environment, in step with `pyproject.toml`.

`python -m tools.lock` succeeds when the lock was made for the requirements that pyproject.toml has now; with `--write`
it makes the lock anew (needs uv). `make` installs from the lock when it matches, and resolves pyproject.toml otherwise.
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
COMPILE = (
    *("uv", "pip", "compile", "pyproject.toml", "--extra", "mongodb", "--extra", "dev", "--universal"),
    *("--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url", "--quiet"),
)
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
    compiled = subprocess.run(COMPILE, cwd=ROOT, capture_output=True, text=True, check=False)
    if compiled.returncode:
        sys.stderr.write(compiled.stderr)
        return 1
    LOCK.write_text(f"{FIRST_LINE}{digest()}\n{compiled.stdout}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
