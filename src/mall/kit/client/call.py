"""A call that is on its way."""

from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from mall.kit.problem import Problem
from mall.kit.stepping import Pending

if TYPE_CHECKING:
    from mall.kit.client.pool import Pool

T = TypeVar("T")
KEPT_STATUSES = frozenset((400, 404, 413, 422, 503, 504))


class Call(Pending[T], Generic[T]):
    """Has been sent already, so that several are under way at once; `await` it for the decoded answer.

    Awaiting raises Problem that names the service: 400, 404, 413, 422 (with their details), 503 and 504 unchanged, 504
    also when the deadline has passed, 502 for any other failure. A call that nobody awaits does no harm.
    """

    __slots__ = ("_body", "_decoder", "_pool", "_problem", "_status", "deadline", "message", "repeatable", "service")

    def __init__(
        self, pool: "Pool", service: str, message: bytes, decoder: "msgspec.json.Decoder[T]", *, repeatable: bool
    ) -> None:
        super().__init__(pool.loop)
        self.deadline = inf
        self.service = service
        self.message = message
        self.repeatable = repeatable
        self._pool = pool
        self._decoder = decoder
        self._problem: Problem | None = None
        self._status = 0
        self._body = b""

    def answered(self, status: int, body: bytes) -> None:
        """The answer is there."""
        self._status = status
        self._body = body
        self._resolve()

    def failed(self, reason: str, status: int = 502) -> None:
        """There will be no answer."""
        if not self.resolved:
            self._problem = Problem(status, f"{self.service} {reason}", upstream=self.service)
            self._resolve()

    def expire(self) -> None:
        """The deadline has passed."""
        self._pool.withdraw(self)
        self.failed("did not answer in time", 504)

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        super().cancel()
        if not self.resolved:
            self._pool.withdraw(self)
            self.failed("was not waited for")

    def result(self) -> T:
        if self._problem is not None:
            raise self._problem
        if not 200 <= self._status < 300:
            raise _refused(self.service, self._status, self._body)
        try:
            return self._decoder.decode(self._body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Problem(502, f"{self.service} broke its contract: {error}", upstream=self.service) from None


class _Detail(msgspec.Struct):
    detail: str = ""


_detail = msgspec.json.Decoder(_Detail)


def _refused(service: str, status: int, body: bytes) -> Problem:
    detail = f"{service} answered {status}"
    if status not in KEPT_STATUSES:
        return Problem(502, detail, upstream=service)
    reason = _detail_of(body) if status < 500 else ""
    return Problem(status, f"{detail}: {reason}" if reason else detail, upstream=service)


def _detail_of(body: bytes) -> str:
    try:
        return _detail.decode(body).detail
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
