"""What the console remembers in the mesh's home, so that an address that somebody kept or was sent remains valid.

The port that it had, and the digests of the sessions that it has given: with both, an open page and a bookmark work
again after a restart of the mesh.
"""

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from mesh.api.transport.private import write_private


@dataclass
class Memory:
    """`sessions` are the hexadecimal digests with the time (seconds since 1970) at which each session ends."""

    port: int = 0
    sessions: dict[str, float] = field(default_factory=dict)


class MemoryFile:
    """A file that only its owner may read. What cannot be read or written is forgotten: nothing depends on it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Memory:
        try:
            body = json.loads(self._path.read_text())
            return Memory(int(body["port"]), {str(key): float(end) for key, end in body["sessions"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Memory()

    def write(self, memory: Memory) -> None:
        text = json.dumps({"port": memory.port, "sessions": memory.sessions})
        with contextlib.suppress(OSError):
            write_private(self._path, text.encode())
