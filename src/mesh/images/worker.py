"""The process that fetches and unpacks: `python -m mesh.images.worker`, one request as JSON on its standard input.

A process of its own because the work is long, hungry and with content from strangers: the daemon goes on routing, its
memory is not at stake, and the ids that an image's files get exist in a user namespace that the daemon is not in. It
writes one line of JSON for each step, and at the end {"done": ...} or {"error": ..., "kind": ...}.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from mesh.images.errors import ImageError
from mesh.images.limits import DEFAULT_LIMITS, Limits
from mesh.images.prune import layers_in_use, prune
from mesh.images.pull import Puller
from mesh.images.reference import Reference
from mesh.images.registries import read_mirrors
from mesh.images.store import ImageRecord, ImageStore, remove_tree
from mesh.images.unpack.owners import FLAT, Owners, owners, owners_here
from mesh.images.user_namespace import enter_with_subordinate_ids

REPORT_EVERY = 0.1
FOLDER = "images"


class Reporter:
    """Writes progress, a few times a second for each layer and always its end."""

    def __init__(self, write: Callable[[dict[str, Any]], None]) -> None:
        self._write = write
        self._lock = Lock()
        self._written: dict[str, float] = {}

    def __call__(self, digest: str, size: int, total: int) -> None:
        with self._lock:
            now = time.monotonic()
            if size < total and now - self._written.get(digest, 0.0) < REPORT_EVERY:
                return
            self._written[digest] = now
            self._write({"layer": digest, "size": size, "total": total})


def work(request: Mapping[str, Any], write: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Does what a request asks. Raises ImageError.

    `home` and `action` ("pull", "load", "prune", "remove") are in each; `limits` may change some of the bounds.
    """
    home = Path(request["home"])
    limits = Limits(**{**DEFAULT_LIMITS._asdict(), **request.get("limits", {})})
    possible = _owners(flat=bool(request.get("flat")))
    resource.setrlimit(resource.RLIMIT_DATA, (limits.worker_memory, limits.worker_memory))
    if request["action"] == "remove":
        for path in request["paths"]:
            remove_tree(Path(path))
        return {}
    store = ImageStore(home / FOLDER)
    store.prepare()
    if request["action"] == "prune":
        unused_for, keep = float(request["unused_for"]), request.get("keep", ())
        return prune(store, layers_in_use(home), unused_for, keep)._asdict()
    puller = Puller(store, possible, limits, os.environ, Reporter(write))
    with store.shared():
        if request["action"] == "load":
            records = puller.load(Path(request["path"]), request.get("tag", ""))
        else:
            reference = Reference.parse(request["reference"])
            records = [
                puller.pull(
                    reference, read_mirrors(home), request.get("secrets", ()), engine_first=request["engine_first"]
                )
            ]
    return {"images": [_to_json(record) for record in records]}


def _owners(*, flat: bool) -> Owners:
    """Which ids files get; moves this process to where they exist. `flat`: the mesh's containers have one id only."""
    if flat:
        return FLAT
    if os.geteuid() == 0:
        return owners_here()
    possible = owners()
    if possible.is_flat:
        return FLAT
    try:
        return enter_with_subordinate_ids(possible)
    except OSError:
        return FLAT


def _to_json(record: ImageRecord) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(record)
    return body


def main() -> int:
    """Answers one request; returns the exit code."""

    def write(message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    os.umask(0o022)
    try:
        write({"done": work(json.load(sys.stdin), write)})
    except ImageError as error:
        write({"error": str(error), "kind": type(error).__name__})
        return 1
    except MemoryError:
        write({"error": "the image needs more memory to be unpacked than it may have", "kind": "TooLarge"})
        return 1
    except OSError as error:
        write({"error": f"{error.filename or 'the store'}: {error.strerror or error}", "kind": "StoreFailed"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
