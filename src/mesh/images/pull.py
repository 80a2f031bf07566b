"""An image into the store: layers in parallel, each one fetched and then unpacked, and at the end its record."""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from mesh.images.credentials import Login, from_docker_config, from_secrets
from mesh.images.errors import BadContent, Denied, NotFound, TooLarge, Unreachable
from mesh.images.limits import Limits
from mesh.images.local.archives import LocalImage, LocalSource, images_in, name_of, opened
from mesh.images.local.engine import Engine, engines
from mesh.images.manifest import Descriptor, Platform, this_platform
from mesh.images.reference import Reference
from mesh.images.registries import Endpoint, endpoints
from mesh.images.registry.client import Transport
from mesh.images.registry.source import RegistrySource
from mesh.images.source import Progress, Source
from mesh.images.store import ImageRecord, ImageStore, LayerRecord, layer_id
from mesh.images.unpack.layer import unpack
from mesh.images.unpack.owners import Owners

PARALLEL = 4


class Puller:
    """Brings images into one store."""

    def __init__(
        self,
        store: ImageStore,
        owners: Owners,
        limits: Limits,
        environ: Mapping[str, str],
        progress: Progress = lambda digest, size, total: None,
        platform: Platform | None = None,
    ) -> None:
        self._store = store
        self._owners = owners
        self._limits = limits
        self._environ = environ
        self._progress = progress
        self._platform = platform or this_platform()
        self._reserved: dict[str, int] = {}
        self._lock = Lock()

    def pull(
        self, reference: Reference, mirrors: Mapping[str, Sequence[str]], secrets: Sequence[str], *, engine_first: bool
    ) -> ImageRecord:
        """From its registry, or from an engine of this machine: that first where a copy of some age will do.

        Raises the registry's ImageError when neither has it.
        """
        if engine_first and (record := self._from_engines(reference)) is not None:
            return record
        try:
            return self._from_registry(reference, mirrors, secrets)
        except (NotFound, Denied, Unreachable):
            if not engine_first and (record := self._from_engines(reference)) is not None:
                return record
            raise

    def load(self, path: Path, tag: str) -> list[ImageRecord]:
        """Every image of an archive or a layout; `tag` names the only one. Raises ImageError."""
        with self._store.workspace() as workspace, opened(path, workspace, self._limits) as files:
            images = images_in(files, self._platform, self._limits)
            if tag and len({image.found.config_digest for image in images}) > 1:
                names = ", ".join(image.name or "(none)" for image in images)
                raise BadContent(f"{path}: has several images, which --tag cannot name all: {names}")
            return [
                self._store_image(name_of(image, tag, str(path)), LocalSource(files, image, workspace, self._limits))
                for image in (images[:1] if tag else images)
            ]

    def _from_registry(
        self, reference: Reference, mirrors: Mapping[str, Sequence[str]], secrets: Sequence[str]
    ) -> ImageRecord:
        def logins(endpoint: Endpoint) -> list[Login]:
            # A mirror is another host: it is not sent what is meant for the registry.
            host = endpoint.url.partition("://")[2].partition("/")[0] if endpoint.is_mirror else reference.registry
            found = from_secrets(secrets, host, reference.repository)
            return [*found, *from_docker_config(host, self._environ)]

        with Transport() as transport:
            source = RegistrySource(
                reference,
                endpoints(reference, mirrors),
                transport,
                logins,
                self._store.partial,
                self._platform,
                self._limits,
            )
            return self._store_image(reference, source)

    def _from_engines(self, reference: Reference) -> ImageRecord | None:
        for engine in engines(self._environ):
            if identity := engine.image_id(_familiar(reference)):
                present = self._store.find(reference)
                if present is not None and present.config == identity:
                    return present
                return self._from_engine(reference, engine)
        return None

    def _from_engine(self, reference: Reference, engine: Engine) -> ImageRecord:
        with self._store.workspace() as workspace:
            archive = workspace / "saved"
            engine.save(_familiar(reference), archive, self._limits)
            with opened(archive, workspace, self._limits) as files:
                image: LocalImage = images_in(files, self._platform, self._limits)[0]
                return self._store_image(reference, LocalSource(files, image, workspace, self._limits), engine.name)

    def _store_image(self, reference: Reference, source: Source, origin: str = "") -> ImageRecord:
        found = source.image()
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="layer") as pool, ExitStack() as stack:
            jobs: dict[str, Future[LayerRecord]] = {}
            # What has not begun when another layer fails, does not begin.
            stack.callback(lambda: [job.cancel() for job in jobs.values()])
            for layer, diff_id in found.layers:
                if diff_id not in jobs:
                    jobs[diff_id] = pool.submit(self._layer, source, layer, diff_id)
            records = [jobs[diff_id].result() for _, diff_id in found.layers]
        self._store.add_blob(found.config_digest, found.config)
        if found.manifest:
            self._store.add_blob(found.digest, found.manifest)
        record = ImageRecord(
            reference=str(reference),
            digest=found.digest,
            config=found.config_digest,
            layers=[layer_id(diff_id) for _, diff_id in found.layers],
            size=sum(layer.size for layer in records),
            pulled=time.time(),
            origin=origin or source.name,
        )
        # Read now, so that an image that cannot be run is not stored as one that can.
        self._store.config(record)
        self._store.add_image(record)
        return record

    def _layer(self, source: Source, layer: Descriptor, diff_id: str) -> LayerRecord:
        present = self._store.layer(layer_id(diff_id))
        if present is not None and present.diff_id == diff_id:
            return present
        with self._store.workspace() as workspace, source.blob(layer, self._progress) as blob:
            present = self._store.layer(layer_id(diff_id))
            if present is not None and present.diff_id == diff_id:
                return present  # another pull has been faster
            subject = f"{source.name}: layer {layer.digest}"
            folder = workspace / "root"
            folder.mkdir(mode=0o755)
            folder.chmod(0o755)
            if not self._owners.is_flat:
                os.chown(folder, *self._owners.outside(0, 0))
            unpacked = unpack(blob, folder, self._owners, self._limits, subject, diff_id)
            self._reserve(diff_id, unpacked.size, source.name)
            record = LayerRecord(diff_id, unpacked.size, unpacked.entries, list(unpacked.skipped[:100]))
            self._store.add_layer(folder, record)
            return record

    def _reserve(self, diff_id: str, size: int, subject: str) -> None:
        with self._lock:
            self._reserved[diff_id] = size
            if sum(self._reserved.values()) > self._limits.image_bytes:
                raise TooLarge(f"{subject}: the image's files have more than {self._limits.image_bytes} bytes")


def _familiar(reference: Reference) -> str:
    """The name as Docker's own users write it: without docker.io/library/."""
    return str(reference).removeprefix("docker.io/").removeprefix("library/")
