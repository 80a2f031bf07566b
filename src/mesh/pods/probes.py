"""Probes: the checks themselves, and the times at which they are made.

Source: Kubernetes' Probe. The HTTP check is written straight to a connection and reads a status line: at the start
of a mesh hundreds are made, and a client library would cost more than what it asks.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from mesh.pods.pod_settings import PodSettings
from mesh.resources.core.pod import Container, Probe

MAX_STATUS_LINE = 4096

ExecCheck = Callable[[list[str], float], Awaitable[tuple[int, str]]]
"""Runs a command in the container within so many seconds; gives its exit code and what it wrote."""


class Failed(Exception):
    """A check that failed; the message says how, in the kubelet's words."""


async def check(probe: Probe, container: Container, address: str, run: ExecCheck) -> None:
    """Makes one check of a container at `address`. Raises Failed."""
    limit = float(probe.timeout_seconds or 1)
    try:
        async with asyncio.timeout(limit):
            await _handler(probe, container, address, run, limit)
    except TimeoutError:
        raise Failed(f"no answer within {limit:g} s") from None


async def _handler(probe: Probe, container: Container, address: str, run: ExecCheck, limit: float) -> None:
    if probe.http_get is not None:
        get = probe.http_get
        headers = {header.name: header.value for header in get.http_headers}
        port = port_number(get.port, container)
        secure = (get.scheme or "HTTP").upper() == "HTTPS"
        await http_get(get.host or address, port, get.path or "/", headers, secure=secure)
    elif probe.tcp_socket is not None:
        await tcp_connect(probe.tcp_socket.host or address, port_number(probe.tcp_socket.port, container))
    elif probe.grpc is not None:
        await tcp_connect(address, probe.grpc.port)
    elif probe.exec is not None:
        code, output = await run(list(probe.exec.command), limit)
        if code != 0:
            raise Failed(f"command {' '.join(probe.exec.command)!r} ended with {code}: {output.strip()[-500:]}")


def port_number(port: int | str, container: Container) -> int:
    """A port by number or by the name that the container gives it. Raises Failed for an unknown name."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for declared in container.ports:
        if declared.name == port:
            return declared.container_port
    names = ", ".join(sorted(p.name for p in container.ports if p.name)) or "none"
    raise Failed(f'port "{port}" is not a name of container {container.name}\'s ports (it has {names})')


async def http_get(
    host: str, port: int, path: str, headers: dict[str, str] | None = None, *, secure: bool = False
) -> None:
    """Asks for a path; a status from 200 to 399 is well. Raises Failed."""
    given = {
        "Host": f"{host}:{port}",
        "User-Agent": "kube-probe/mesh-mall",
        "Accept": "*/*",
        "Connection": "close",
    }
    for name, value in (headers or {}).items():
        given.update({name if name.title() not in given else name.title(): value})
    target = path if path.startswith("/") else f"/{path}"
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    url = f"{'https' if secure else 'http'}://{host}:{port}{target}"
    loop = asyncio.get_running_loop()
    answer = _StatusLine(request, loop)
    try:
        transport, _ = await loop.create_connection(lambda: answer, host, port, ssl=_unverified() if secure else None)
    except OSError as error:
        raise Failed(f"GET {url}: {_reason(error)}") from None
    try:
        status = await answer.status
    except Failed as failure:
        raise Failed(f"GET {url}: {failure}") from None
    finally:
        transport.abort()
    if not 200 <= status < 400:
        raise Failed(f"HTTP probe failed with statuscode: {status} (GET {url})")


async def tcp_connect(host: str, port: int) -> None:
    """Opens a connection and closes it. Raises Failed."""
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    except OSError as error:
        raise Failed(f"dial tcp {host}:{port}: {_reason(error)}") from None
    transport.abort()


class _StatusLine(asyncio.Protocol):
    """Sends a request as soon as it is connected and keeps the status code of the answer."""

    def __init__(self, request: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self.status: asyncio.Future[int] = loop.create_future()
        self._request = request
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's in all but their class.
        cast(asyncio.WriteTransport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self._head += data
        line, end, _ = self._head.partition(b"\r\n")
        if not end and len(line) < MAX_STATUS_LINE:
            return
        parts = line.split(b" ", 2)
        if len(parts) > 1 and parts[0].startswith(b"HTTP/1.") and parts[1].isdigit():
            self._settle(int(parts[1]))
        else:
            self._settle(Failed("the answer is not HTTP/1"))

    def connection_lost(self, error: Exception | None) -> None:
        self._settle(Failed(f"closed without an answer{f': {_reason(error)}' if error else ''}"))

    def _settle(self, result: int | Failed) -> None:
        if self.status.done():
            return
        if isinstance(result, Failed):
            self.status.set_exception(result)
            self.status.exception()
        else:
            self.status.set_result(result)


def _unverified() -> ssl.SSLContext:
    """Probes do not verify certificates, as the kubelet's do not."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


@dataclass(slots=True)
class Verdict:
    """Counts results as Kubernetes does: `good` changes after so many in a row. Pure."""

    success_threshold: int
    failure_threshold: int
    good: bool
    _row: int = 0
    _last: bool | None = None

    def take(self, success: bool) -> bool:
        """Counts one result; returns whether a threshold was reached by it."""
        self._row = self._row + 1 if success is self._last else 1
        self._last = success
        if self._row < (self.success_threshold if success else self.failure_threshold):
            return False
        self.good = success
        return True


async def watch(
    probe: Probe,
    checked: Callable[[], Awaitable[None]],
    heard: Callable[[bool, bool, str], bool],
    settings: PodSettings,
    *,
    eager: bool,
) -> None:
    """Makes checks for as long as `heard(success, reached, message)` returns True.

    `reached` says that a threshold is reached. With `eager` the first checks come quickly, until one succeeds;
    of those only one a period counts as a failure, so that haste does not use up the failureThreshold.
    """
    loop = asyncio.get_running_loop()
    period = float(probe.period_seconds or 10)
    verdict = Verdict(int(probe.success_threshold or 1), int(probe.failure_threshold or 3), good=False)
    if probe.initial_delay_seconds:
        await asyncio.sleep(float(probe.initial_delay_seconds))
    begun = counted = loop.time()
    hasty = eager and verdict.success_threshold == 1
    while True:
        success, message = True, ""
        try:
            await checked()
        except Failed as failure:
            success, message = False, str(failure)
        now = loop.time()
        if success or not hasty or now - counted >= period:
            counted = now
            reached = verdict.take(success)
            if not heard(success, reached, message):
                return
        hasty = hasty and not success and now - begun < settings.first_checks_for
        await asyncio.sleep(min(period, settings.first_check_every) if hasty else period)


async def cancelled(tasks: list[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits until they have ended."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
