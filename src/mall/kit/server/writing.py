"""Answers to bytes: one piece, to be sent with one write."""

from http import HTTPStatus

from mall.kit.answer import Answer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"


class Writer:
    """Writes the answers of a server whose `server` header has this value."""

    def __init__(self, server: str) -> None:
        self._starts = {
            status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\nserver: {server}\r\n".encode()
            for status in HTTPStatus
        }

    def write(self, answer: Answer, connection: bytes = b"", *, body: bool = True) -> bytes:
        """`connection` is CLOSE, KEEP_ALIVE or nothing; an answer to HEAD has no body but its length."""
        parts = [self._starts[answer.status]]
        # RFC 9110, 8.6: neither of these has a body, and a length of 0 would be that of the omitted one.
        if answer.status not in (204, 304):
            parts.append(b"content-type: %b\r\ncontent-length: %d\r\n" % (answer.content_type, len(answer.body)))
        parts += [b"%b: %b\r\n" % header for header in answer.headers]
        parts.append(connection)
        parts.append(b"\r\n")
        if body:
            parts.append(answer.body)
        return b"".join(parts)
