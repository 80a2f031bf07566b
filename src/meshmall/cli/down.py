"""`meshmall down`: stops the daemon and everything it started."""

import shutil
from contextlib import suppress
from pathlib import Path

from mesh.daemon import launch
from mesh.images.client import ask_now
from mesh.images.errors import ImageError
from meshmall.cli.context import Context

SAVED_FILES = (
    "settings.json",
    "branch.key",
    "console.json",
    "store.db",
    "store.db-wal",
    "store.db-shm",
    "token",
    "kubeconfig",
)
SAVED_FOLDERS = ("run", "logs", "pki", "pods", "claims", "images")


def bring_down(context: Context, *, purge: bool) -> None:
    """Stops the mesh of this home; `purge` also removes its data. A mesh that is not running is no error."""
    home = context.home
    if not home.path.exists():
        context.view.say(f"no mesh is running in {home.path}")
        return
    with context.view.step("stopping the mesh") as step:
        stopped = launch.stop(home)
        step.result = "mesh stopped" if stopped else f"no mesh is running in {home.path}"
    if purge:
        with context.view.step(f"removing saved data from {home.path}") as step:
            remove(home.path)
            step.result = f"removed saved data from {home.path}"


def remove(home: Path) -> None:
    """Removes a mesh's files by name, so that anything else in the folder stays: an images.yaml is its user's."""
    for name in SAVED_FOLDERS:
        shutil.rmtree(home / name, ignore_errors=True)
    # Files of containers may belong to subordinate ids, which only a process that has them can remove.
    if left := [str(home / name) for name in SAVED_FOLDERS if (home / name).exists()]:
        with suppress(ImageError):
            ask_now({"action": "remove", "home": str(home), "paths": left})
    for name in SAVED_FILES:
        (home / name).unlink(missing_ok=True)
    with suppress(OSError):
        home.rmdir()
