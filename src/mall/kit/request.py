"""A request as a handler sees it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec

from mall.kit.context import propagated
from mall.kit.problem import Problem

T = TypeVar("T")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Request:
    """A read-only view of an ASGI scope. The body is read on demand, up to `max_body` bytes."""

    __slots__ = ("__dict__", "_receive", "headers", "max_body", "method", "path", "query_string")

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, max_body: int) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.max_body = max_body
        self._receive = receive

    @cached_property
    def context(self) -> list[tuple[str, str]]:
        """The headers to propagate with every call made for this request."""
        return propagated(self.headers)

    def header(self, name: bytes) -> str | None:
        """The first header of this (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    def parameter(self, name: str) -> str | None:
        """The first query parameter of this name."""
        for key, value in parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True):
            if key == name:
                return value
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

    async def body(self) -> bytes:
        """The complete body. Raises Problem 413 when it is larger than allowed."""
        length = self.header(b"content-length")
        if length is not None and length.isdigit() and int(length) > self.max_body:
            raise self._too_large()
        body: bytes = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            body += message.get("body", b"")
            if len(body) > self.max_body:
                raise self._too_large()
            if not message.get("more_body"):
                return body

    async def json(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """The body, decoded. Raises Problem 400 when it is not JSON, 422 when it does not have the expected shape."""
        body = await self.body()
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            raise Problem(422, f"body: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, f"body: not JSON: {error}") from None

    def _too_large(self) -> Problem:
        return Problem(413, f"the body is larger than {self.max_body} bytes", headers=((b"connection", b"close"),))
