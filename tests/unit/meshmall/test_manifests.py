"""Manifests that a user names: files, folders, standard input."""

import io
from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from meshmall.manifests import mall_manifest, read
from tests.support.places import DEPLOY

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def names(*files: str) -> list[str]:
    return [body["metadata"]["name"] for body in read(files)]


def test_the_mall_s_manifests_are_those_of_this_checkout() -> None:
    assert mall_manifest("jason.yaml") == DEPLOY / "jason.yaml"
    assert mall_manifest("mesh-mall-v1.yaml").is_file()


def test_a_folder_stands_for_its_manifests_in_order(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.txt"):
        (tmp_path / name).write_text(CONFIG % name[0])
    (tmp_path / "d.json").write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}')
    assert names(str(tmp_path)) == ["a", "b", "d"]
    assert names(str(tmp_path / "b.yml"), str(tmp_path / "a.yaml")) == ["b", "a"]


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(CONFIG % "x" + "---\n" + CONFIG % "y"))
    assert names("-") == ["x", "y"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe4")
    (tmp_path / "wrong.yaml").write_text("a: [1\nb: 2\n")
    (tmp_path / "folder").mkdir()
    for name, says in (
        ("missing.yaml", "No such file"),
        ("empty.yaml", "no object in"),
        ("latin.yaml", "not UTF-8 text"),
        ("wrong.yaml", "wrong.yaml:2: not YAML"),
        ("folder", "no file that ends in .yaml"),
    ):
        with pytest.raises(Failure) as caught:
            read([str(tmp_path / name)])
        assert says in caught.value.message
        assert name in caught.value.message
