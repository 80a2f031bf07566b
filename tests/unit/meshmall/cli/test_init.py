"""`meshmall init` writes two files or nothing."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from meshmall.cli.init import init
from meshmall.cli.view import View


def test_it_writes_the_files_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "app.py").write_text('run(("0.0.0.0", 8000))')
    init(View(), tmp_path, tmp_path / "my mesh", force=False)
    out = capsys.readouterr().out
    assert "api: port 8000, runs python3 app.py" in out
    assert f"export MESHMALL_HOME='{tmp_path}/my mesh'" in out
    assert "api: port 8000 was found in app.py:1" in out
    assert sorted(path.name for path in (tmp_path / "my mesh").iterdir()) == [
        ".gitignore",
        "images.yaml",
        "manifests.yaml",
    ]
    assert (tmp_path / "my mesh" / "manifests.yaml").stat().st_mode & 0o077 == 0
    with pytest.raises(Failure, match="already there; nothing was written"):
        init(View(), tmp_path, tmp_path / "my mesh", force=False)
    init(View(), tmp_path, tmp_path / "my mesh", force=True)


@pytest.mark.parametrize(
    ("name", "message"), [("none", "there is no such file or folder"), (".", "neither it nor one of")]
)
def test_nothing_to_read_writes_nothing(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(Failure, match=message):
        init(View(), tmp_path / name, tmp_path / "mesh", force=False)
    assert list(tmp_path.iterdir()) == []


def test_what_kubernetes_refuses_is_said_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x, environment: {'A B=': 1}, ports: ['0:99999']}}")
    with pytest.raises(Failure, match="99999"):
        init(View(), tmp_path, tmp_path / "mesh", force=False)
    assert not (tmp_path / "mesh").exists()
