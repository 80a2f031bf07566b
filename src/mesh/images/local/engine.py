"""A Docker or Podman that runs on this machine: its images by its API on a Unix socket.

Source: Docker Engine API v1.41, "Inspect an image" and "Export an image", which Podman answers, too.
"""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from mesh.images.errors import BadContent, NotFound, StoreFailed, TooLarge, Unreachable
from mesh.images.limits import Limits

ANSWER_LIMIT = 20.0
LARGEST_INSPECTION = 4 * 1024 * 1024


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_LIMIT)
        self.sock.connect(str(self._path))


class Engine:
    """One engine's socket."""

    def __init__(self, path: Path) -> None:
        self.name = f"the engine at {path}"
        self._path = path

    def image_id(self, name: str) -> str:
        """The digest of the image's configuration; "" when the engine has no such image or does not answer."""
        try:
            connection = self._asked(f"/images/{quote(name, safe='/:@')}/json")
            with connection:
                response = connection.getresponse()
                data = response.read(LARGEST_INSPECTION)
                return str(json.loads(data)["Id"]) if response.status == 200 else ""
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, Unreachable):
            return ""

    def save(self, name: str, target: Path, limits: Limits) -> None:
        """Writes what `docker save NAME` does. Raises ImageError."""
        subject = f"{name} at {self.name}"
        try:
            with self._asked(f"/images/{quote(name, safe='/:@')}/get") as connection:
                response = connection.getresponse()
                if response.status == 404:
                    raise NotFound(f"{subject}: not found")
                if response.status != 200:
                    raise Unreachable(f"{subject}: answers HTTP {response.status}")
                size = 0
                with target.open("wb") as copy:
                    while chunk := response.read(1 << 20):
                        size += len(chunk)
                        if size > limits.image_bytes:
                            raise TooLarge(f"{subject}: has more than {limits.image_bytes} bytes")
                        copy.write(chunk)
        except http.client.HTTPException as error:
            raise BadContent(f"{subject}: broke off: {error}") from None
        except OSError as error:
            failed = StoreFailed if error.filename else Unreachable
            raise failed(f"{error.filename or subject}: {error.strerror or error}") from None

    def _asked(self, path: str) -> "_Closing":
        connection = _Closing(self._path)
        connection.request("GET", path)
        return connection


class _Closing(_UnixConnection):
    def __enter__(self) -> "_Closing":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def engines(environ: Mapping[str, str]) -> list[Engine]:
    """The sockets that are there and that this user may use: DOCKER_HOST's, Docker's, Podman's."""
    paths = [environ["DOCKER_HOST"].removeprefix("unix://")] if "DOCKER_HOST" in environ else ["/var/run/docker.sock"]
    if environ.get("XDG_RUNTIME_DIR"):
        paths.append(f"{environ['XDG_RUNTIME_DIR']}/podman/podman.sock")
    paths.append("/run/podman/podman.sock")
    usable = []
    for path in paths:
        with suppress(OSError):
            if path.startswith("/") and Path(path).is_socket() and os.access(path, os.W_OK):
                usable.append(Engine(Path(path)))
    return usable
