"""HTTPS to the API of a home's daemon.

One connection is kept open between calls; a stream (a watch, a followed log) gets its own. Not thread-safe.
"""

import http.client
import json
import math
import ssl
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mesh.client.errors import ApiError
from mesh.resources.values.body import Body

if TYPE_CHECKING:
    from mesh.client.attach import Attachment

CHUNK_BYTES = 64 << 10
JSON = "application/json"


class Connection:
    """Reads the address and credentials from the home. `timeout` is in seconds. All methods raise ApiError."""

    def __init__(self, home: Path, timeout: float) -> None:
        try:
            url = json.loads((home / "run" / "api.json").read_text())["server"]
            self._token = (home / "token").read_text().strip()
            self._tls = ssl.create_default_context(cafile=str(home / "pki" / "ca.crt"))
        except (OSError, ValueError, KeyError) as error:
            raise ApiError(0, f"cannot read the address of the mesh in {home}: {error}") from None
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._timeout = timeout
        self._deadline = math.inf
        self._connected: http.client.HTTPSConnection | None = None

    def limit(self, seconds: float) -> None:
        """All calls from now on together take at most so long."""
        self._deadline = time.monotonic() + seconds

    def close(self) -> None:
        """Closes the connection; the next call opens it again."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    def call(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        limit: float | None = None,
        media: str = JSON,
        accept: str = JSON,
    ) -> Body:
        """Sends a request and returns the JSON of its response. `limit` replaces the timeout, in seconds."""
        raw = json.dumps(body).encode() if body is not None else None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._unreachable(TimeoutError("timed out"))
        connection, fresh = self._connect(min(limit or self._timeout, left))
        try:
            response = self._send(connection, method, path, raw, media, accept)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            # The server may have closed a connection that was idle. Sending again is safe: a GET changes nothing,
            # and applying or deleting the same objects twice has the same result.
            self.close()
            if fresh:
                raise self._unreachable(error) from None
            return self.call(method, path, body, limit=limit, media=media, accept=accept)
        try:
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            # A connection with half a response on it cannot carry another request.
            self.close()
            raise self._unreachable(error) from None
        if response.status >= 400:
            raise _refused(response.status, text)
        answer: Body = json.loads(text)
        return answer

    def _connect(self, limit: float) -> tuple[http.client.HTTPSConnection, bool]:
        fresh = self._connected is None
        if self._connected is None:
            self._connected = http.client.HTTPSConnection(self._host, self._port, timeout=limit, context=self._tls)
        elif self._connected.sock is not None:
            self._connected.sock.settimeout(limit)
        return self._connected, fresh

    def _send(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        raw: bytes | None,
        media: str = JSON,
        accept: str = JSON,
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        if raw is not None:
            headers["Content-Type"] = media
        try:
            connection.request(method, path, raw, headers)
            return connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from None

    def stream(self, path: str, accept: str = JSON) -> Generator[bytes, None, None]:
        """The body of a GET in chunks as they arrive, over a connection of its own. Close the generator to end it."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)
        try:
            try:
                response = self._send(connection, "GET", path, None, accept=accept)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                raise self._unreachable(error) from None
            if response.status >= 400:
                raise _refused(response.status, response.read())
            if connection.sock is not None:
                connection.sock.settimeout(None)
            try:
                while chunk := response.read1(CHUNK_BYTES):
                    yield chunk
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from None
        finally:
            connection.close()

    def attach(self, path: str) -> "Attachment":
        """A conversation with a container, over a connection of its own."""
        from mesh.client.attach import Attachment  # noqa: PLC0415 - few commands talk over a WebSocket

        return Attachment.open(self._host, self._port, self._tls, path, self._token, self._timeout)

    def _unreachable(self, error: Exception) -> ApiError:
        return ApiError(0, f"the mesh does not answer at {self._host}:{self._port}: {error}")


def _refused(status: int, text: bytes) -> ApiError:
    try:
        body = json.loads(text)
        causes = [cause["message"] for cause in body.get("details", {}).get("causes", ())]
        return ApiError(status, body["message"], causes)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiError(status, f"HTTP {status}: {text[:200].decode(errors='replace')}")
