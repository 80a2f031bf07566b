"""The files whose changes restart the process of `branch dev`."""

import os
import threading
from collections.abc import Iterator, Sequence

# Files that programs write while they run: no reason to restart them.
RUNTIME_FILES = r"\.(log|tmp|db|sqlite3?)(-(wal|shm|journal))?$"


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
