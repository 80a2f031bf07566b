"""An image in a registry: its endpoints are asked in order, mirrors first."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mesh.images.credentials import Login
from mesh.images.errors import BadContent, Denied, ImageError, NotFound, StoreFailed, Unreachable
from mesh.images.limits import Limits
from mesh.images.manifest import (
    INDEXES,
    Descriptor,
    Index,
    Platform,
    choose,
    decode,
    media_type_of,
    read_config,
    read_manifest,
)
from mesh.images.reference import Reference
from mesh.images.registries import Endpoint
from mesh.images.registry.blobs import download
from mesh.images.registry.client import Document, RegistryClient, Transport
from mesh.images.source import FoundImage, Progress

DEEPEST_INDEX = 3


class RegistrySource:
    """`mesh.images.source.Source`. Layers are fetched to `partial`, one process at a time."""

    def __init__(
        self,
        reference: Reference,
        endpoints: Sequence[Endpoint],
        transport: Transport,
        logins: Callable[[Endpoint], list[Login]],
        partial: Path,
        platform: Platform,
        limits: Limits,
    ) -> None:
        self.name = reference.registry
        self._reference = reference
        self._clients = [
            RegistryClient(transport, endpoint, reference, lambda endpoint=endpoint: logins(endpoint))  # type: ignore[misc]
            for endpoint in endpoints
        ]
        self._transport = transport
        self._partial = partial
        self._platform = platform
        self._limits = limits

    def image(self) -> FoundImage:
        """From the first endpoint that has it. Raises the error of the registry itself, which comes last."""
        failure: ImageError | None = None
        for client in self._clients:
            try:
                return self._image_from(client)
            except (NotFound, Unreachable, Denied) as error:
                failure = error
        assert failure is not None
        raise failure

    def _image_from(self, client: RegistryClient) -> FoundImage:
        limits, subject = self._limits, client.subject
        document = self._manifest(client)
        manifest = read_manifest(document.data, subject, limits)
        config = client.blob(manifest.config.digest, limits.config)
        parsed = read_config(config, manifest, subject)
        layers = tuple(zip(manifest.layers, parsed.rootfs.diff_ids, strict=True))
        # Layers come from where their manifest did.
        self._clients = [client, *(other for other in self._clients if other is not client)]
        return FoundImage(document.digest, document.data, manifest.config.digest, config, layers)

    def _manifest(self, client: RegistryClient) -> Document:
        """The manifest of one platform; the digest is that of the outermost document, as Kubernetes shows it."""
        selector, outermost = self._reference.selector, ""
        for _ in range(DEEPEST_INDEX):
            document = client.manifest(selector, self._limits.manifest)
            outermost = outermost or document.digest
            if media_type_of(document.data, document.media_type, client.subject) not in INDEXES:
                return document._replace(digest=outermost)
            selector = choose(decode(document.data, Index, client.subject), self._platform, client.subject).digest
        raise BadContent(f"{client.subject}: more than {DEEPEST_INDEX} indexes in each other")

    @contextmanager
    def blob(self, layer: Descriptor, progress: Progress) -> Iterator[Path]:
        path = self._partial / layer.digest.removeprefix("sha256:")
        # Two pulls may want one layer: the second waits, and then finds it.
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._download(layer, path, progress)
            try:
                yield path
            except StoreFailed:
                raise  # of a full disk, say: what came is right, and need not come again
            except ImageError:
                path.unlink(missing_ok=True)
                raise
            path.unlink(missing_ok=True)
        finally:
            os.close(lock)

    def _download(self, layer: Descriptor, path: Path, progress: Progress) -> None:
        failure: ImageError | None = None
        for client in self._clients:
            try:
                download(
                    client, layer, path, lambda size: progress(layer.digest, size, layer.size), self._transport.pause
                )
                return
            except (NotFound, Unreachable, Denied) as error:
                failure = failure or error
        assert failure is not None
        raise failure
