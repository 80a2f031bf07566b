"""SPDY/3.1's compressed header blocks (SPDY protocol draft 3, section 2.6.10).

One zlib stream for each direction of a connection, primed with a dictionary that the draft prescribes.
"""

import struct
import zlib

LARGEST_BLOCK = 64 << 10

_NAMES = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow",
    "authorization cache-control connection content-base content-encoding content-language content-length",
    "content-location content-md5 content-range content-type date etag expect expires from host if-match",
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma",
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade",
    "user-agent vary via warning www-authenticate method get status",
)
_PAIRS = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_CODES = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
)
_VALUES = (
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def dictionary() -> bytes:
    """The dictionary of both directions; zlib checks it against the checksum in the stream."""
    words = b"".join(struct.pack("!I", len(word)) + word.encode() for word in (*" ".join(_NAMES).split(), *_PAIRS))
    return words + (_CODES + _VALUES).encode()


class HeaderError(ValueError):
    """A header block that is not what the draft says, or too large."""


class HeaderReader:
    """Header blocks of one direction, in the order in which they came."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=dictionary())

    def read(self, block: bytes) -> dict[str, str]:
        """Names in lower case, with their values. Raises HeaderError."""
        try:
            plain = self._zlib.decompress(block, LARGEST_BLOCK)
        except zlib.error as error:
            raise HeaderError(f"a header block does not decompress: {error}") from None
        if self._zlib.unconsumed_tail:
            raise HeaderError(f"a header block is larger than {LARGEST_BLOCK} bytes")
        try:
            return _parse(plain)
        except struct.error:
            raise HeaderError("a header block is cut short") from None


class HeaderWriter:
    """Header blocks of the other direction."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(level=1, zdict=dictionary())

    def write(self, headers: dict[str, str]) -> bytes:
        parts = [struct.pack("!I", len(headers))]
        for name, value in headers.items():
            for text in (name.encode("latin-1"), value.encode("latin-1")):
                parts += (struct.pack("!I", len(text)), text)
        # Every block ends on a byte, so that the peer can read it before the next one comes.
        return self._zlib.compress(b"".join(parts)) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


def _parse(plain: bytes) -> dict[str, str]:
    (count,) = struct.unpack_from("!I", plain, 0)
    position = 4
    headers: dict[str, str] = {}
    for _ in range(count):
        name, position = _text(plain, position)
        value, position = _text(plain, position)
        headers[name.lower()] = value
    return headers


def _text(plain: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("!I", plain, position)
    end = position + 4 + length
    if end > len(plain):
        raise HeaderError("a header block is cut short")
    return plain[position + 4 : end].decode("latin-1"), end
