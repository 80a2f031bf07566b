"""A request as a handler sees it."""

from typing import TypeVar
from urllib.parse import unquote

import msgspec

from mall.kit.context import propagated
from mall.kit.problem import Problem

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]


class Request:
    """A complete request. Names of headers are lower-case; `path` is percent-decoded, `query` is not.

    `keep_alive` says whether the client wants to keep the connection, `announce_keep_alive` that it must be told so
    (HTTP/1.0); `begun` is `time.perf_counter()` when the request had been read.
    """

    __slots__ = ("_context", "announce_keep_alive", "begun", "body", "headers", "keep_alive", "method", "path", "query")

    def __init__(
        self, method: str, path: str, query: bytes = b"", headers: Headers | None = None, *, keep_alive: bool = True
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers if headers is not None else []
        self.body = b""
        self.keep_alive = keep_alive
        self.announce_keep_alive = False
        self.begun = 0.0
        self._context: bytes | None = None

    @property
    def context(self) -> bytes:
        """The headers to propagate with every call made for this request, as they are sent."""
        if self._context is None:
            self._context = propagated(self.headers)
        return self._context

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    def parameter(self, name: str) -> str | None:
        """The first query parameter of this name."""
        for pair in self.query.decode("latin-1").split("&"):
            key, _, value = pair.partition("=")
            if _decoded(key) == name:
                return _decoded(value)
        return None

    def cookie(self, name: str) -> str | None:
        """A cookie's value, percent-decoded; the first when there are several."""
        for key, value in self.headers:
            if key != b"cookie":
                continue
            for pair in value.decode("latin-1").split(";"):
                key_part, equals, value_part = pair.partition("=")
                if equals and key_part.strip() == name:
                    return unquote(value_part.strip().strip('"'))
        return None

    def json(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The body, decoded. Raises Problem 400 when it is not JSON, 422 when it does not have the expected shape."""
        try:
            return decoder.decode(self.body)
        except msgspec.ValidationError as error:
            raise Problem(422, f"body: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, f"body: not JSON: {error}") from None


def _decoded(text: str) -> str:
    """Part of a query as HTML forms write it."""
    if "+" in text or "%" in text:
        return unquote(text.replace("+", " "))
    return text
