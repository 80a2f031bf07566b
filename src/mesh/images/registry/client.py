"""A client of one endpoint for one repository: manifests and blobs, with retries, tokens and bounds.

Source: OCI distribution-spec v1.1, "Pulling manifests" and "Pulling blobs".
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple, Self

from pyreqwest.client import SyncClient, SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import SyncResponse

from mesh.images.credentials import Login
from mesh.images.errors import Denied, NotFound, TooLarge, Unreachable
from mesh.images.manifest import ACCEPTED, digest_of, verify
from mesh.images.reference import Reference
from mesh.images.registries import Endpoint
from mesh.images.registry.tokens import LARGEST_ANSWER, authorization, parse_challenge

CONNECT_LIMIT = timedelta(seconds=10)
READ_LIMIT = timedelta(seconds=30)
ATTEMPTS = 5
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 20.0
AGAIN = (408, 425, 429, 500, 502, 503, 504)
CHUNK = 256 * 1024


class Document(NamedTuple):
    data: bytes
    media_type: str
    digest: str


class Transport:
    """The HTTP clients of a worker: one that speaks TLS and nothing else, one for endpoints with plain HTTP."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self.pause = pause
        self._clients: dict[bool, SyncClient] = {}

    def client(self, *, is_plain: bool) -> SyncClient:
        """With TLS, a redirect to plain HTTP is refused, too."""
        if is_plain not in self._clients:
            builder = SyncClientBuilder().connect_timeout(CONNECT_LIMIT).read_timeout(READ_LIMIT).max_redirects(5)
            # Blobs are compressed already, and their digest is that of what is sent.
            builder = builder.gzip(False).zstd(False).brotli(False).deflate(False).user_agent("meshmall")
            self._clients[is_plain] = builder.https_only(not is_plain).build()
        return self._clients[is_plain]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for client in self._clients.values():
            client.close()


class RegistryClient:
    """One endpoint, one repository. The messages of its errors name the image and the host."""

    def __init__(
        self, transport: Transport, endpoint: Endpoint, reference: Reference, logins: Callable[[], list[Login]]
    ) -> None:
        self.subject = f"{reference} at {endpoint.url}"
        self._transport = transport
        self._client = transport.client(is_plain=endpoint.is_plain)
        self._endpoint = endpoint
        self._reference = reference
        self._logins = logins
        self._authorization = ""

    def manifest(self, selector: str, largest: int) -> Document:
        """A manifest or index by tag or digest. Raises ImageError."""
        headers = {"Accept": ", ".join(ACCEPTED)}
        with self._get(f"manifests/{selector}", headers) as response:
            data = _read(response, largest, f"{self.subject}: manifest {selector}")
            announced = response.get_header("docker-content-digest") or ""
            media_type = response.get_header("content-type") or ""
        if selector.startswith("sha256:"):
            verify(data, selector, f"{self.subject}: manifest {selector}")
        elif announced.startswith("sha256:"):
            verify(data, announced, f"{self.subject}: manifest {selector}")
        return Document(data, media_type, digest_of(data))

    def blob(self, digest: str, largest: int) -> bytes:
        """A small blob as a whole, verified. Raises ImageError."""
        with self._get(f"blobs/{digest}", {}) as response:
            data = _read(response, largest, f"{self.subject}: blob {digest}")
        verify(data, digest, f"{self.subject}: blob {digest}")
        return data

    @contextmanager
    def blob_stream(self, digest: str, first: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """A blob from byte `first` on, as chunks; yields where it really begins, 0 for a registry without ranges."""
        headers = {"Range": f"bytes={first}-"} if first else {}
        with self._get(f"blobs/{digest}", headers) as response:
            begins = first if _continues(response, first) else 0
            yield begins, self._chunks(response, digest)

    def _chunks(self, response: SyncResponse, digest: str) -> Iterator[bytes]:
        reader = response.body_reader
        while True:
            try:
                # Whatever has come: waiting for a full chunk would lose what came before the line broke.
                chunk = reader.read_chunk()
            except PyreqwestError as error:
                raise Unreachable(f"{self.subject}: blob {digest} broke off: {_cause(error)}") from None
            if chunk is None:
                return
            yield bytes(chunk)

    @contextmanager
    def _get(self, path: str, headers: Mapping[str, str]) -> Iterator[SyncResponse]:
        """Asks until there is a good answer, as often as ATTEMPTS says. Raises ImageError."""
        url = f"{self._endpoint.url}/v2/{self._reference.repository}/{path}"
        refusal: Unreachable | None = None
        for attempt in range(ATTEMPTS):
            if refusal is not None:
                self._transport.pause(min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE))
            try:
                with self._authorized(url, headers) as response:
                    if response.status in (200, 206):
                        yield response
                        return
                    refusal = self._refusal(response, path)
            except PyreqwestError as error:
                raise Unreachable(f"{self.subject}: {_cause(error)}") from None
        assert refusal is not None
        raise refusal

    @contextmanager
    def _authorized(self, url: str, headers: Mapping[str, str]) -> Iterator[SyncResponse]:
        with self._request(url, headers) as response:
            if response.status != 401:
                yield response
                return
            challenge = parse_challenge(response.get_header("www-authenticate") or "")
        denied: Denied | None = None
        for login in [*self._logins(), None]:
            try:
                self._authorization = authorization(
                    challenge,
                    self._reference.repository,
                    login,
                    self._fetch,
                    is_plain=self._endpoint.is_plain,
                    subject=self.subject,
                )
            except Denied as refused:
                # The first refusal says most: that of the most specific login.
                denied = denied or refused
                continue
            with self._request(url, headers) as response:
                if response.status not in (401, 403):
                    yield response
                    return
                denied = denied or Denied(f"{self.subject}: access is denied (HTTP {response.status})")
        assert denied is not None
        raise denied

    @contextmanager
    def _request(self, url: str, headers: Mapping[str, str]) -> Iterator[SyncResponse]:
        request = self._client.get(url).headers(dict(headers))
        if self._authorization:
            request = request.header("Authorization", self._authorization)
        with request.build_streamed() as response:
            yield response

    def _fetch(self, url: str, headers: Mapping[str, str], form: bytes | None) -> tuple[int, bytes]:
        request = self._client.get(url) if form is None else self._client.post(url).body_bytes(form)
        try:
            with request.headers(dict(headers)).build_streamed() as response:
                return response.status, _read(response, LARGEST_ANSWER, url)
        except PyreqwestError as error:
            raise Unreachable(f"{self.subject}: its token service: {_cause(error)}") from None

    def _refusal(self, response: SyncResponse, path: str) -> Unreachable:
        """The error that another attempt may not meet. Raises one that it will."""
        status = response.status
        if status == 404:
            raise NotFound(f"{self.subject}: not found ({path})")
        if status in (401, 403):
            raise Denied(f"{self.subject}: access is denied (HTTP {status})")
        if status not in AGAIN:
            raise Unreachable(f"{self.subject}: answers HTTP {status} for {path}")
        return Unreachable(f"{self.subject}: answers HTTP {status} for {path}, {ATTEMPTS} times")


def _continues(response: SyncResponse, first: int) -> bool:
    return response.status == 206 and (response.get_header("content-range") or "").startswith(f"bytes {first}-")


def _read(response: SyncResponse, largest: int, subject: str) -> bytes:
    chunks, size = [], 0
    while (chunk := response.body_reader.read(CHUNK)) is not None:
        size += len(chunk)
        if size > largest:
            raise TooLarge(f"{subject}: has more than {largest} bytes")
        chunks.append(bytes(chunk))
    return b"".join(chunks)


def _cause(error: PyreqwestError) -> str:
    """The innermost reason: "tcp connect error" says less than "Connection refused"."""
    details = getattr(error, "details", None) or {}
    causes = details.get("causes") or []
    inner = [str(cause.get("message", "")) for cause in causes if cause.get("message")]
    return inner[-1] if inner else str(error)
