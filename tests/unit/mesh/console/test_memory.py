"""The port and the sessions that a console keeps."""

import stat
from pathlib import Path

import pytest

from mesh.console.memory import Memory, MemoryFile


def test_what_was_written_is_read_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    MemoryFile(path).write(Memory(20081, {"ab": 12.5}))
    assert MemoryFile(path).read() == Memory(20081, {"ab": 12.5})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"port": "x", "sessions": {}}', '{"port": 1, "sessions": []}'])
def test_what_cannot_be_read_is_forgotten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "console.json"
    path.write_text(text)
    assert MemoryFile(path).read() == Memory()
    MemoryFile(tmp_path / "no" / "folder").write(Memory(1))
