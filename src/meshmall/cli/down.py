"""`meshmall down`: ends the daemon and everything it started."""

import shutil
from contextlib import suppress
from pathlib import Path

from mesh.daemon import launch
from meshmall.cli.context import Context

KEPT = ("settings.json", "store.db", "store.db-wal", "store.db-shm", "token", "kubeconfig", "images.yaml")
KEPT_FOLDERS = ("run", "logs", "pki", "pods")


def bring_down(context: Context, *, purge: bool) -> None:
    """Ends the mesh of this home; with `purge` what it kept goes too. Nothing to end is no error."""
    home = context.home
    if not home.path.exists():
        context.view.say(f"no mesh runs in {home.path}")
        return
    with context.view.step("ending the mesh") as step:
        ended = launch.stop(home)
        step.done = "the mesh has ended" if ended else f"no mesh runs in {home.path}"
    if purge:
        with context.view.step(f"removing what is kept in {home.path}") as step:
            remove(home.path)
            step.done = f"removed what was kept in {home.path}"


def remove(home: Path) -> None:
    """Removes what a mesh keeps, by name: a home that holds other files keeps those."""
    for name in KEPT_FOLDERS:
        shutil.rmtree(home / name, ignore_errors=True)
    for name in KEPT:
        (home / name).unlink(missing_ok=True)
    with suppress(OSError):
        home.rmdir()
