"""The process that fetches and unpacks: what is left of it when it is killed at any moment."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from mesh.images.client import COMMAND, ask_now
from mesh.images.errors import BadContent, BadReference
from mesh.images.prune import LAYERS_FILE
from mesh.images.store import ImageStore
from tests.support.images import Entry, archive, docker_archive, folder, image, write_layout

KILLS = 20


def layout(place: Path, name: str = "shop/a:1", files: int = 3) -> Path:
    layers = [archive([folder(f"d{n}"), *(Entry(f"d{n}/f{m}", b"x" * 100) for m in range(files))]) for n in range(3)]
    return write_layout(image(layers), place, name)


def load(home: Path, path: Path, tag: str = "") -> list[str]:
    done = ask_now({"action": "load", "home": str(home), "path": str(path), "tag": tag})
    return [record["reference"] for record in done["images"]]


def test_images_are_loaded_from_layouts_and_archives(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert load(home, layout(tmp_path / "layout")) == ["docker.io/shop/a:1"]
    saved = tmp_path / "saved.tar"
    saved.write_bytes(docker_archive([archive([Entry("a", b"x")])], ["shop/b:1", "shop/c:1"]))
    assert load(home, saved) == ["docker.io/shop/b:1", "docker.io/shop/c:1"]
    saved.write_bytes(docker_archive([archive([Entry("a", b"x")])], []))
    with pytest.raises(BadReference, match="its image has no name; give it one with --tag"):
        load(home, saved)
    assert load(home, saved, "mine:1") == ["docker.io/library/mine:1"]
    assert len(ImageStore(home / "images").images()) == 4


def test_something_else_is_no_image(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello" * 1000)
    with pytest.raises(BadContent, match="neither an OCI layout nor a docker save archive"):
        load(tmp_path / "home", text)


def test_what_a_container_stands_on_is_not_pruned(tmp_path: Path) -> None:
    home = tmp_path / "home"
    load(home, layout(tmp_path / "layout"))
    store = ImageStore(home / "images")
    (record,) = store.images()
    root = home / "pods" / "uid" / "roots" / "main.1"
    root.mkdir(parents=True)
    (root / LAYERS_FILE).write_text("\n".join(record.layers))
    ask_now({"action": "prune", "home": str(home), "unused_for": 0})
    assert store.images() == [record]
    (root / LAYERS_FILE).unlink()
    ask_now({"action": "prune", "home": str(home), "unused_for": 3600})
    ask_now({"action": "prune", "home": str(home), "unused_for": 0, "keep": [record.reference]})
    assert store.images() == [record]
    done = ask_now({"action": "prune", "home": str(home), "unused_for": 0})
    assert done["images"] == [record.reference] and done["layers"] == 3
    assert list(store.layers.iterdir()) == [] and store.blob_names() == []


@pytest.mark.slow
def test_a_worker_that_is_killed_leaves_nothing_half_done(tmp_path: Path) -> None:
    home, place = tmp_path / "home", layout(tmp_path / "layout", files=2000)
    request = json.dumps({"action": "load", "home": str(home), "path": str(place), "tag": ""})
    draw = random.Random(7)
    begun = time.monotonic()
    load(tmp_path / "other", place)
    whole = time.monotonic() - begun
    for _ in range(KILLS):
        with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as worker:
            assert worker.stdin is not None
            worker.stdin.write(request.encode())
            worker.stdin.close()
            time.sleep(draw.uniform(0, whole))
            worker.kill()
        store = ImageStore(home / "images")
        for record in store.images():
            assert all(len(list((store.layers / layer).rglob("f*"))) == 2000 for layer in record.layers)
    load(home, place)
    store = ImageStore(home / "images")
    assert list(store.staging.iterdir()) == []
    (record,) = store.images()
    assert all(len(list((store.layers / layer).rglob("f*"))) == 2000 for layer in record.layers)
