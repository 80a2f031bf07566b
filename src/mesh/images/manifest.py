"""Manifests, indexes and configurations of images, as far as they are needed to run one.

Sources: OCI image-spec v1.1 (manifest.md, image-index.md, config.md) and Docker's image manifest version 2, schema 2,
which differ in the media types only.
"""

import hashlib
import os
from typing import TypeVar

import msgspec

from mesh.images.errors import BadContent, NotFound, TooLarge
from mesh.images.limits import Limits
from mesh.images.reference import DIGEST

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_LIST)
MOST_INDEX_ENTRIES = 1000
# The names that Go has for them, by those of uname(2).
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class Platform(msgspec.Struct, frozen=True):
    architecture: str = ""
    os: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A piece of content: where a manifest names a blob, or an index a manifest."""

    digest: str
    size: int
    media_type: str = ""
    platform: Platform | None = None

    def __post_init__(self) -> None:
        if not DIGEST.fullmatch(self.digest):
            raise ValueError(f'digest "{self.digest[:80]}" is not sha256: and 64 hexadecimal digits')
        if self.size < 0:
            raise ValueError(f"size {self.size} of {self.digest} is negative")


class Index(msgspec.Struct, frozen=True):
    manifests: list[Descriptor] = []


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    config: Descriptor
    layers: list[Descriptor] = []


class RunConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """What an image says about running it (config.md, `config`)."""

    user: str = ""
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    working_dir: str = ""
    volumes: dict[str, object] | None = None
    stop_signal: str = ""


class RootFs(msgspec.Struct, frozen=True):
    diff_ids: list[str] = []

    def __post_init__(self) -> None:
        for digest in self.diff_ids:
            if not DIGEST.fullmatch(digest):
                raise ValueError(f'rootfs.diff_ids: "{digest[:80]}" is not sha256: and 64 hexadecimal digits')


class ImageConfig(msgspec.Struct, frozen=True):
    rootfs: RootFs
    architecture: str = ""
    os: str = ""
    config: RunConfig | None = None


_Document = TypeVar("_Document")


def decode(data: bytes, kind: type[_Document], subject: str) -> _Document:
    """Reads a document. Raises BadContent, which names `subject` and the field."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadContent(f"{subject}: {error}") from None


def read_manifest(data: bytes, subject: str, limits: Limits) -> Manifest:
    """Reads a manifest whose layers can be unpacked. Raises BadContent."""
    manifest = decode(data, Manifest, subject)
    if len(manifest.layers) > limits.layers:
        raise TooLarge(f"{subject}: has {len(manifest.layers)} layers; at most {limits.layers} are possible")
    if manifest.config.size > limits.config:
        raise TooLarge(f"{subject}: its configuration has {manifest.config.size} bytes; at most {limits.config}")
    return manifest


def read_config(data: bytes, manifest: Manifest, subject: str) -> ImageConfig:
    """Reads the configuration that belongs to a manifest. Raises BadContent."""
    config = decode(data, ImageConfig, f"{subject}: configuration {manifest.config.digest}")
    if len(config.rootfs.diff_ids) != len(manifest.layers):
        raise BadContent(
            f"{subject}: has {len(manifest.layers)} layers, and its configuration {len(config.rootfs.diff_ids)}"
        )
    return config


def media_type_of(data: bytes, announced: str, subject: str) -> str:
    """What a document is: what it says itself, then what was announced, then what its fields say."""

    class Head(msgspec.Struct, rename="camel"):
        media_type: str = ""
        schema_version: int = 2
        manifests: object = None

    head = decode(data, Head, subject)
    if head.schema_version != 2:
        raise BadContent(f"{subject}: has a manifest of schema {head.schema_version}; only schema 2 can be read")
    announced = announced.partition(";")[0].strip()
    stated = head.media_type or (announced if announced in ACCEPTED else "")
    if not stated:
        stated = OCI_INDEX if head.manifests is not None else OCI_MANIFEST
    if stated not in ACCEPTED:
        raise BadContent(f'{subject}: is a "{stated}" and not a container image')
    return stated


def choose(index: Index, platform: Platform, subject: str) -> Descriptor:
    """The manifest of an index that runs on a platform. Raises NotFound, which lists those that there are."""
    candidates = index.manifests[:MOST_INDEX_ENTRIES]
    fitting = [
        entry
        for entry in candidates
        if entry.platform is not None
        and entry.platform.os == platform.os
        and entry.platform.architecture == platform.architecture
    ]
    if fitting:
        exact = [entry for entry in fitting if entry.platform and entry.platform.variant == platform.variant]
        return (exact or fitting)[0]
    anywhere = [entry for entry in candidates if entry.platform is None]
    if len(anywhere) == len(candidates) == 1:
        return anywhere[0]
    others = sorted({str(entry.platform) for entry in candidates if entry.platform and entry.platform.os != "unknown"})
    raise NotFound(f"{subject}: no image for {platform}; there is one for {', '.join(others) or 'no platform'}")


def this_platform() -> Platform:
    machine = os.uname().machine
    return Platform(ARCHITECTURES.get(machine, machine), "linux", "v8" if machine == "aarch64" else "")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def verify(data: bytes, digest: str, subject: str) -> None:
    """Raises BadContent when the content is not what its digest says."""
    actual = digest_of(data)
    if actual != digest:
        raise BadContent(f"{subject}: its content has the digest {actual} and not {digest}")
