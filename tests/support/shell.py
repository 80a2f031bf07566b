"""Runs the commands of a page as its reader does."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

# Seconds after which a script is taken to hang.
LONGEST = 180


def run_script(script: str, folder: Path, environment: Mapping[str, str], *, trace: bool = False) -> str:
    """What bash prints, errors included. Raises AssertionError with it when a command fails."""
    options = ["-e", *(["-x"] if trace else []), "-o", "pipefail"]
    ended = subprocess.run(
        ["bash", *options, "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
