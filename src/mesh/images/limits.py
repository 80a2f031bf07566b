"""How much an image may be: every size, number and depth that somebody else decides has a bound."""

from typing import NamedTuple

MIB = 1024 * 1024
GIB = 1024 * MIB


class Limits(NamedTuple):
    """Bytes and counts. The defaults let the largest images in common use pass, some of which have 20 GiB."""

    manifest: int = 4 * MIB  # as in distribution and containerd
    config: int = 8 * MIB
    layers: int = 127  # as in Docker; overlayfs takes up to 500
    layer_bytes: int = 16 * GIB  # unpacked
    image_bytes: int = 32 * GIB  # unpacked, all layers
    layer_entries: int = 500_000
    depth: int = 128  # folders in each other
    path: int = 4095  # PATH_MAX less the final zero
    extended_header: int = 1 * MIB  # of one entry, of GNU or pax
    free_bytes: int = 512 * MIB  # that stay free on the disk
    worker_memory: int = 2 * GIB


DEFAULT_LIMITS = Limits()
