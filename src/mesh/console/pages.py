"""The files of the console's page, read once; no other file can be requested."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file; `zipped` is the same compressed with gzip."""

    body: bytes
    zipped: bytes
    media: str
    tag: str


def pages(folder: Path = FOLDER) -> Mapping[str, Page]:
    """The files by the path that a browser requests; `/` is index.html."""
    files = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in TYPES:
            body = file.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            files[f"/{file.relative_to(folder).as_posix()}"] = Page(
                body, gzip.compress(body, 6, mtime=0), TYPES[file.suffix], tag
            )
    if "/index.html" in files:
        files["/"] = files.pop("/index.html")
    return files
