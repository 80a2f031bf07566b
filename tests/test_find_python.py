"""Which Python `make` takes when nobody says which."""

import subprocess
from pathlib import Path

import pytest

from tests.support.places import ROOT


@pytest.mark.parametrize(
    ("programs", "chosen"),
    [
        (
            {"a/python3": "plain 3.11.7", "b/python3": "optimized 3.11.2"},
            "b/python3\tPython 3.11.2, built with optimis",
        ),
        ({"a/python3": "plain 3.11.7", "a/python3.13": "optimized 3.13.0"}, "a/python3.13\tPython 3.13.0, built with "),
        (
            {"a/python3": "optimized 3.12.1", "b/python3.14": "optimized 3.14.0"},
            "a/python3\tPython 3.12.1, built with ",
        ),
        ({"a/python3": "plain 3.11.7", "b/python3": "plain 3.12.0"}, "a/python3\tPython 3.11.7, built without optimis"),
        ({"a/python3": "", "b/python3.12": "plain 3.12.0"}, "b/python3.12\tPython 3.12.0, built without optimisations"),
        ({"a/python3": ""}, ""),
        ({}, ""),
    ],
)
def test_the_first_with_optimisations_or_else_the_first(tmp_path: Path, programs: dict[str, str], chosen: str) -> None:
    for name, answer in programs.items():
        program = tmp_path / name
        program.parent.mkdir(exist_ok=True)
        # Too old, or without venv: the script's look at it fails.
        program.write_text(f"#!/bin/sh\necho '{answer}'\n" if answer else "#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    ended = subprocess.run(
        ["/bin/sh", ROOT / "tools" / "find_python.sh"],
        env={"PATH": f"{tmp_path}/a:{tmp_path}/b"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    assert ended.stdout.startswith(f"{tmp_path}/{chosen}") if chosen else ended.stdout == ""
