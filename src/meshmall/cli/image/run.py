"""What `meshmall image` does. It needs no running mesh: the images are files of the mesh's home."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesh.daemon.failure import Failure
from mesh.images.client import ask_now
from mesh.images.errors import BadReference, ImageError
from mesh.images.reference import Reference
from mesh.images.store import ImageRecord, ImageStore
from mesh.resources.values.body import Body
from mesh.resources.values.durations import human_duration, seconds
from meshmall.cli.context import Context

FOLDER = "images"
UNITS = ("B", "kB", "MB", "GB", "TB")


def pull_images(context: Context, names: Sequence[str]) -> None:
    """Pulls each in turn. Raises Failure for the first that cannot be had."""
    try:
        references = [Reference.parse(name) for name in names]
    except BadReference as error:
        raise Failure(str(error), "for example: meshmall image pull redis:7", code=2) from None
    for reference in references:
        with context.view.step(f"pulling {reference}") as step:
            request = {"action": "pull", "reference": str(reference), "engine_first": False}
            records = _ask(context, request)
            step.result = f"pulled {_described(records)}"


def load_images(context: Context, path: str, tag: str) -> None:
    """Loads every image of an archive. Raises Failure."""
    if not Path(path).exists():
        raise Failure(f"{path}: no such file", "give a docker save archive or an OCI layout")
    with context.view.step(f"loading {path}") as step:
        records = _ask(context, {"action": "load", "path": str(Path(path).absolute()), "tag": tag})
        step.result = f"loaded {_described(records)}"


def list_images(context: Context, output: str) -> None:
    store = _store(context)
    records = store.images()
    if output == "json":
        entries = [_entry(store, record) for record in records]
        usage = store.usage()
        context.view.plain(json.dumps({"images": entries, "size": usage.layers, "unused": usage.unused}, indent=2))
        return
    now = time.time()
    rows = [
        [
            record.reference,
            record.digest.removeprefix("sha256:")[:12],
            str(len(record.layers)),
            size(record.size),
            f"{human_duration(max(0.0, now - store.last_used(record.reference)))} ago",
        ]
        for record in records
    ]
    context.view.columns(["IMAGE", "DIGEST", "LAYERS", "SIZE", "LAST USED"], rows)


def prune_images(context: Context, unused_for: str) -> None:
    """Removes what no pod of the running mesh names. Raises Failure."""
    try:
        age = seconds(unused_for)
    except ValueError:
        raise Failure(f'--unused-for "{unused_for}": not a duration', "for example 24h or 0s", code=2) from None
    pods = context.client.list("", "Pod", None) if context.home.running() is not None else []
    request = {"action": "prune", "keep": sorted(named(pods)), "unused_for": age}
    with context.view.step("removing unused images") as step:
        done = _request(context, request)
        count = len(done["images"])
        step.result = f"removed {count} image{'' if count == 1 else 's'} ({size(done['size'])})"
    for reference in done["images"]:
        context.view.say(f"   {reference}")


def named(pods: Iterable[Body]) -> set[str]:
    """The images that pods name, in full."""
    references = set()
    for pod in pods:
        for field in ("initContainers", "containers", "ephemeralContainers"):
            for container in pod["spec"].get(field) or ():
                try:
                    references.add(str(Reference.parse(str(container.get("image", "")))))
                except BadReference:
                    continue
    return references


def disk_use(home: Path) -> str:
    """For `meshmall status`; "" where there is no image."""
    store = ImageStore(home / FOLDER)
    usage = store.usage()
    if not usage.images and not usage.layers:
        return ""
    unused = f" ({size(usage.unused)} unused: meshmall image prune)" if usage.unused else ""
    return f"{usage.images} image{'' if usage.images == 1 else 's'}, {size(usage.layers)} on disk{unused}"


def size(count: float) -> str:
    """Bytes as people read them, in powers of a thousand."""
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {UNITS[unit]}" if unit == 0 or count >= 10 else f"{count:.1f} {UNITS[unit]}"


def _store(context: Context) -> ImageStore:
    return ImageStore(context.home.path / FOLDER)


def _described(records: Sequence[ImageRecord]) -> str:
    return ", ".join(f"{record.reference} ({len(record.layers)} layers, {size(record.size)})" for record in records)


def _entry(store: ImageStore, record: ImageRecord) -> dict[str, Any]:
    return {
        "image": record.reference,
        "digest": record.digest,
        "layers": record.layers,
        "size": record.size,
        "pulled": record.pulled,
        "lastUsed": store.last_used(record.reference),
        "origin": record.origin,
    }


def _ask(context: Context, request: Mapping[str, Any]) -> list[ImageRecord]:
    return [ImageRecord(**image) for image in _request(context, request)["images"]]


def _request(context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
    context.home.prepare()
    try:
        return ask_now({"home": str(context.home.path), **request})
    except ImageError as error:
        raise Failure(str(error)) from None
