"""Calls to other services: one pooled client per process, with a deadline, through the sidecar's proxy."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec
from pyreqwest.client import Client as HttpClient
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.proxy import ProxyBuilder

from mall.kit.problem import Problem
from mall.kit.settings import Settings

T = TypeVar("T")
LARGEST_ANSWER = 1 << 20
Context = Sequence[tuple[str, str]]


class Client:
    """HTTP/1.1 over pooled connections; follows no redirects, decompresses nothing, stores no cookies."""

    def __init__(self, settings: Settings) -> None:
        builder = (
            ClientBuilder()
            .timeout(timedelta(seconds=settings.call_timeout))
            .connect_timeout(timedelta(seconds=min(2.0, settings.call_timeout)))
            .pool_idle_timeout(timedelta(seconds=60))
            .http1_lower_case_headers()
            .max_connections(512)
            .pool_timeout(timedelta(seconds=settings.call_timeout))
            .follow_redirects(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .user_agent(f"mall-{settings.service}/{settings.version}")
            .no_proxy()
        )
        if settings.proxy:
            builder = builder.proxy(ProxyBuilder.http(settings.proxy).no_proxy(settings.no_proxy or None))
        self._http: HttpClient = builder.build()

    async def get(self, service: str, url: str, context: Context, decoder: "msgspec.json.Decoder[T]") -> T:
        """GETs JSON. Raises Problem that names the service: 404 and 503 unchanged, 504 when the deadline has passed,
        502 for any other failure."""
        try:
            request = self._http.get(url).headers(context).build()
            answer = await request.send()
            body = (await answer.bytes()).to_bytes()
        except PyreqwestError as error:
            raise _unreachable(service, error) from None
        return _decode(service, answer.status, body, decoder)

    async def post(
        self, service: str, url: str, context: Context, body: bytes, decoder: "msgspec.json.Decoder[T]"
    ) -> T:
        """POSTs JSON. Raises as `get`, but keeps 400 and 422 with their details."""
        try:
            builder = self._http.post(url).headers(context).header("content-type", "application/json")
            answer = await builder.body_bytes(body).build().send()
            response_body = (await answer.bytes()).to_bytes()
        except PyreqwestError as error:
            raise _unreachable(service, error) from None
        return _decode(service, answer.status, response_body, decoder)

    async def close(self) -> None:
        await self._http.close()


class _Detail(msgspec.Struct):
    detail: str = ""


_detail = msgspec.json.Decoder(_Detail)
KEPT_STATUSES = frozenset((400, 404, 413, 422, 503, 504))


def _decode(service: str, status: int, body: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    if not 200 <= status < 300:
        detail = f"{service} answered {status}"
        if status in KEPT_STATUSES:
            reason = _detail_of(body) if status < 500 else ""
            raise Problem(status, f"{detail}: {reason}" if reason else detail, upstream=service)
        raise Problem(502, detail, upstream=service)
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise Problem(502, f"{service} broke its contract: {error}", upstream=service) from None


def _detail_of(body: bytes) -> str:
    try:
        return _detail.decode(body).detail
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _unreachable(service: str, error: PyreqwestError) -> Problem:
    if isinstance(error, TimeoutError):
        return Problem(504, f"{service} did not answer in time", upstream=service)
    return Problem(502, f"{service} cannot be reached", upstream=service)
