"""What both ways of `branch dev` share: files whose changes restart the process, and what is said of a silent one."""

import os
import threading
from collections.abc import Iterator, Sequence

# Files that programs write while they run: no reason to restart them.
RUNTIME_FILES = r"\.(log|tmp|db|sqlite3?)(-(wal|shm|journal))?$"

# Seconds after which a process that runs is expected to listen.
SILENCE = 5.0


def does_not_listen(where: str, service: str) -> str:
    """A process that listens elsewhere, or not at all, looks like a mistake of the mesh's."""
    return (
        f"the process runs and does not listen on {where}; until it does, {service} answers this branch with 503 "
        "(HOST and PORT say where it should listen)"
    )


def ticks(folders: Sequence[str], stop: threading.Event) -> Iterator[str]:
    """The names of changed files, or "" twice a second when none has changed; until `stop` is set."""
    from watchfiles import DefaultFilter, watch  # noqa: PLC0415 - only this command watches

    patterns = [*DefaultFilter.ignore_entity_patterns, RUNTIME_FILES]
    for changed in watch(
        *folders,
        watch_filter=DefaultFilter(ignore_entity_patterns=patterns),
        stop_event=stop,
        rust_timeout=500,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        if stop.is_set():
            return
        yield ", ".join(sorted({os.path.relpath(path) for _, path in changed})[:3])


def changes(folders: Sequence[str], stop: threading.Event) -> Iterator[str]:
    """The names of changed files, at each change."""
    return (names for names in ticks(folders, stop) if names)
