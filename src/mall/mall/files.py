"""The pages and their assets, read and gzipped once at the start; strong ETags."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from mall.kit.answer import Answer, Headers
from mall.kit.problem import Problem
from mall.kit.request import Request

WEB = Path(__file__).parent / "web"
PAGES = {"/": "index.html", "/index": "index.html", "/login": "login.html"}
PRODUCT = re.compile(r"/products/[0-9]{1,18}")
MISSING = "404.html"
ALIASES = {"/favicon.ico": "favicon.svg"}
SMALLEST_GZIPPED = 512
SECURITY: Headers = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    zipped: bytes | None
    content_type: bytes
    etag: bytes
    cache: bytes


class Files:
    """Serves the files of a folder: the pages by name, everything else below `/static/`."""

    def __init__(self, folder: Path = WEB) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _load(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }

    async def get(self, request: Request) -> Answer:
        """The file that the path names; a browser gets a page for a path that names none. Raises Problem 404."""
        name = _page(request.path)
        if name is None and request.path.startswith("/static/"):
            name = request.path.removeprefix("/static/")
        file = self._files.get(name) if name is not None else None
        if file is not None:
            return _answer(file, request)
        if request.path.startswith("/api/") or "text/html" not in (request.header(b"accept") or ""):
            raise Problem(404, f"{request.path} does not exist")
        return _answer(self._files[MISSING], request, 404)


def _page(path: str) -> str | None:
    """The file of a page, by the path at which it is."""
    if PRODUCT.fullmatch(path):
        return "product.html"
    return PAGES.get(path) or ALIASES.get(path)


def _answer(file: File, request: Request, status: int = 200) -> Answer:
    headers: Headers = ((b"etag", file.etag), (b"cache-control", file.cache), *SECURITY)
    if status == 200 and request.header(b"if-none-match") == file.etag.decode():
        return Answer(b"", 304, file.content_type, headers)
    headers = (*headers, (b"vary", b"accept-encoding"))
    if file.zipped is not None and "gzip" in (request.header(b"accept-encoding") or ""):
        return Answer(file.zipped, status, file.content_type, (*headers, (b"content-encoding", b"gzip")))
    return Answer(file.body, status, file.content_type, headers)


def _load(path: Path) -> File:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json", "+xml")):
        kind += "; charset=utf-8"
    zipped = gzip.compress(body, 9, mtime=0) if len(body) >= SMALLEST_GZIPPED else None
    return File(
        body=body,
        zipped=zipped if zipped is not None and len(zipped) < len(body) else None,
        content_type=kind.encode(),
        etag=b'"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"',
        cache=b"no-cache" if path.suffix == ".html" else b"public, max-age=300",
    )
