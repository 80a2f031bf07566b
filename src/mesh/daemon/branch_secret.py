"""The secret of one mesh with which the tags of branches are made (see `mesh.resources.meshmall.marks`).

It stays the same from one `up` to the next: pods that are adopted still handle requests that were marked before.
"""

import secrets
from pathlib import Path

from mesh.api.transport.private import write_private

LENGTH = 32
FILE = "branch.key"


def branch_secret(home: Path) -> bytes:
    """The secret in a mesh's home, which is created if there is none. Raises OSError."""
    path = home / FILE
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        secret = b""
    if len(secret) != LENGTH:
        secret = secrets.token_bytes(LENGTH)
        write_private(path, secret)
    return secret
