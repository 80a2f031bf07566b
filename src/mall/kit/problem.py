"""Errors as problem details (RFC 9457)."""

from http import HTTPStatus

import msgspec

from mall.kit.answer import Answer


class ProblemDetails(msgspec.Struct, omit_defaults=True):
    """The body of an error. `parameter` names the query parameter at fault, `upstream` the service."""

    title: str
    status: int
    detail: str = ""
    parameter: str = ""
    upstream: str = ""


class Problem(Exception):
    """Ends a request with an error response."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        parameter: str = "",
        upstream: str = "",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.parameter = parameter
        self.upstream = upstream
        self.headers = headers

    def answer(self) -> Answer:
        """The response to send, `application/problem+json`."""
        details = ProblemDetails(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            parameter=self.parameter,
            upstream=self.upstream,
        )
        body = msgspec.json.encode(details)
        return Answer(body, self.status, b"application/problem+json", self.headers)
