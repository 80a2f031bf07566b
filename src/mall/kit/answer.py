"""What a handler returns."""

from typing import Any

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]
JSON = b"application/json"


class Answer:
    """A complete response: the body, its type, and headers other than content-type and content-length."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(self, body: bytes = b"", status: int = 200, content_type: bytes = JSON, headers: Headers = ()) -> None:
        self.body = body
        self.status = status
        self.content_type = content_type
        self.headers = headers


_encode = msgspec.json.Encoder().encode


def json_answer(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """A response with the value as JSON."""
    return Answer(_encode(value), status, JSON, headers)
