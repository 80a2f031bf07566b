"""Runs a command without any privilege: `python -m tools.as_ordinary_user COMMAND...`.

As root the command runs as a user that exists for as long as it runs: in a mount namespace of its own that user is in
/etc/passwd, has a home folder, and may enter the folders on the way to this checkout and to the interpreter (which
often lie below /root, where only root may enter). The machine itself is not changed, and the home folder is removed at
the end. An ordinary user's command runs as it is.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from mesh.syscalls import CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, mount, unshare

# Nobody else has it; see `man 5 subuid` and systemd's uids: 61184-65519 are for dynamic use.
UID = 64998
NAME = "meshmall-test"
FIRST_SUBORDINATE = 1_900_000_000
SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))
# Set it, to anything, for a user without subordinate ids.
SUBORDINATE_IDS = "WITHOUT_SUBORDINATE_IDS"
ROOT = Path(__file__).parents[1]
ANYONE_MAY_ENTER = 0o001


def run(command: Sequence[str], environ: dict[str, str] | None = None) -> int:
    """Runs the command as an ordinary user and returns its exit code. `environ` adds to the little that it is given."""
    if os.geteuid() != 0:
        return subprocess.run(command, env={**os.environ, **(environ or {})}, cwd=ROOT, check=False).returncode
    base = Path(tempfile.mkdtemp(prefix="meshmall-user-"))
    try:
        home = base / "home"
        home.mkdir()
        base.chmod(0o755)
        os.chown(home, UID, UID)
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            # Whatever the command leaves in its temporary folder is removed with its home.
            "TMPDIR": str(home),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(home / "hypothesis"),
            # The checkout is not the user's to write to.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT),
            **(environ or {}),
        }
        words = [sys.executable, "-m", "tools.as_ordinary_user", "--in", str(base), *command]
        with subprocess.Popen(words, env=variables, cwd=ROOT) as process:
            # The command ends by the same signal; its home is removed after that.
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda number, _: process.send_signal(number))
            return process.wait()
    finally:
        shutil.rmtree(base)


def _become(base: Path, command: list[str]) -> None:
    """Replaces this process, which is root's, by the command."""
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    open_ways({Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), ROOT, base})
    _add_line(Path("/etc/passwd"), f"{NAME}:x:{UID}:{UID}::{base / 'home'}:/bin/sh", base)
    _add_line(Path("/etc/group"), f"{NAME}:x:{UID}:", base)
    for path in SUBORDINATE if SUBORDINATE_IDS not in os.environ else ():
        # What adduser(8) gives a person; containers of images have these ids where newuidmap(1) is installed.
        if path.exists():
            _add_line(path, f"{NAME}:{FIRST_SUBORDINATE}:65536", base)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.execvp(command[0], command)  # noqa: S606 - the command itself is what is to run


def open_ways(paths: Iterable[Path]) -> None:
    """Lets anyone reach these paths, in this mount namespace.

    A folder on the way that others may not enter is covered by one that they may, with only the needed children.
    """
    paths = set(paths)
    # The ways below a folder can only be looked at after that folder was replaced; one folder at a time therefore.
    while closed := min((parent for path in paths if (parent := _closed_parent(path))), default=None):
        children = {closed / path.relative_to(closed).parts[0] for path in paths if closed in path.parents}
        handles = {child: os.open(child, os.O_PATH) for child in children}
        mount("tmpfs", str(closed), "tmpfs", options="mode=0755")
        for child, handle in handles.items():
            child.mkdir()
            mount(f"/proc/self/fd/{handle}", str(child), flags=MS_BIND | MS_REC)
            os.close(handle)


def _closed_parent(path: Path) -> Path | None:
    return next((parent for parent in reversed(path.parents) if not parent.stat().st_mode & ANYONE_MAY_ENTER), None)


def _add_line(path: Path, line: str, base: Path) -> None:
    longer = base / path.name
    longer.write_text(f"{path.read_text()}{line}\n")
    longer.chmod(0o644)
    mount(str(longer), str(path), flags=MS_BIND)


def main(words: Sequence[str]) -> int:
    if words[:1] == ["--in"]:
        _become(Path(words[1]), list(words[2:]))
    if not words:
        sys.exit("usage: python -m tools.as_ordinary_user COMMAND...")
    return run(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
