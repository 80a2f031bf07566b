"""Files of recorded answers: a JSON object a line, compressed."""

import json
import lzma
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"


def lines(name: str) -> list[Any]:
    """The recorded lines of a file."""
    with lzma.open(FOLDER / f"{name}.jsonl.xz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_lines(name: str, rows: list[Any]) -> None:
    """Writes recorded lines; the same rows make the same bytes."""
    text = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.jsonl.xz").write_bytes(lzma.compress(text.encode(), preset=9))
