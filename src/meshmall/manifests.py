"""Finds and reads manifests: the files that a user names, and the mall's own."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mesh.daemon.failure import Failure
from mesh.resources.validation.manifest import parse
from mesh.resources.values.problems import Invalid

SUFFIXES = (".yaml", ".yml", ".json")


def mall_folder() -> Path:
    """The folder of the mall's manifests: `meshmall/deploy` of an installed wheel, or a checkout's `deploy/`."""
    package = Path(__file__).resolve().parent
    candidates = (package / "deploy", package.parents[1] / "deploy")
    for folder in candidates:
        if (folder / "mesh-mall-v1.yaml").is_file():
            return folder
    raise Failure(
        f"the mall's manifests are missing: looked in {' and '.join(map(str, candidates))}",
        "the installation is incomplete; reinstall the mesh-mall wheel, or run from a complete checkout",
    )


def mall_manifest(name: str) -> Path:
    """One of the mall's manifests by its file's name, for example `jason.yaml`."""
    return mall_folder() / name


def read(names: Sequence[str]) -> list[dict[str, Any]]:
    """The objects of all files, in order. A folder stands for its manifests, `-` for standard input.

    Raises Failure that names the file, the line and what is wrong.
    """
    objects: list[dict[str, Any]] = []
    for name in names:
        for source, text in _texts(name):
            try:
                objects += [manifest.body for manifest in parse(text, source)]
            except Invalid as error:
                raise Failure(str(error)) from None
    if not objects:
        raise Failure(f"no object in {', '.join(names)}", "a manifest has apiVersion, kind and metadata.name")
    return objects


def _texts(name: str) -> list[tuple[str, str]]:
    if name == "-":
        return [("standard input", sys.stdin.read())]
    path = Path(name)
    try:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
            if not files:
                raise Failure(f"{name}: no file that ends in {', '.join(SUFFIXES)} in this folder")
            return [(str(file), file.read_text(encoding="utf-8")) for file in files]
        return [(name, path.read_text(encoding="utf-8"))]
    except OSError as error:
        raise Failure(f"{name}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Failure(f"{name}: not UTF-8 text ({error.reason} at byte {error.start})") from None
