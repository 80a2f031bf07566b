"""The secret of a mesh: made once, kept from one start to the next, readable by its owner alone."""

from pathlib import Path

from mesh.daemon.branch_secret import FILE, LENGTH, branch_secret


def test_a_mesh_keeps_its_secret(tmp_path: Path) -> None:
    secret = branch_secret(tmp_path)
    assert len(secret) == LENGTH
    assert branch_secret(tmp_path) == secret
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_secret_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"short")
    assert len(branch_secret(tmp_path)) == LENGTH


def test_two_meshes_have_two_secrets(tmp_path: Path) -> None:
    assert branch_secret(tmp_path / "one") != branch_secret(tmp_path / "two")
