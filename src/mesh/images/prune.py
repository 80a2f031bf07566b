"""Which images and layers may go: what no record names and no container stands on."""

import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mesh.images.store import ImageStore, remove_tree

LAYERS_FILE = "layers"


class Pruned(NamedTuple):
    """`size` in bytes of the layers that were removed."""

    images: list[str]
    layers: int
    size: int


def prune(
    store: ImageStore,
    in_use: Collection[str],
    unused_for: float,
    keep: Collection[str] = (),
    *,
    now: float | None = None,
) -> Pruned:
    """Removes the images that nobody has used for so many seconds, and every layer that then has no image.

    `in_use` are the ids of layers that containers stand on, `keep` the references that pods name.
    """
    now = time.time() if now is None else now
    with store.exclusive():
        removed, needed, blobs = [], set(in_use), set()
        for record in store.images():
            used = bool(record.layers) and set(record.layers) <= set(in_use)
            if not used and record.reference not in keep and now - store.last_used(record.reference) >= unused_for:
                store.remove_image(record.reference)
                removed.append(record.reference)
            else:
                needed |= set(record.layers)
                blobs |= {record.config.removeprefix("sha256:"), record.digest.removeprefix("sha256:")}
        size, count = 0, 0
        for path in sorted(store.layers.iterdir()) if store.layers.is_dir() else ():
            if path.suffix == ".json" or path.name in needed or path.name.startswith("."):
                continue
            layer = store.layer(path.name)
            # The record first: a layer without one is never used.
            (store.layers / f"{path.name}.json").unlink(missing_ok=True)
            remove_tree(path)
            size += layer.size if layer is not None else 0
            count += 1
        for name in store.blob_names() if store.layers.is_dir() else ():
            if name not in blobs:
                store.remove_blob(name)
        for partial in store.partial.iterdir() if store.partial.is_dir() else ():
            with suppress(OSError):
                if now - partial.stat().st_mtime >= unused_for:
                    partial.unlink()
    return Pruned(removed, count, size)


def layers_in_use(home: Path) -> set[str]:
    """The ids that containers' folders name: each has a list of the layers that it stands on."""
    layers: set[str] = set()
    for path in (home / "pods").glob(f"*/roots/*/{LAYERS_FILE}"):
        with suppress(OSError):
            layers.update(path.read_text().split())
    return layers
