"""Where the repository's files are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = ROOT / "tests" / "unit"
EXAMPLE_FOLDER = Path(__file__).parent / "examples"
