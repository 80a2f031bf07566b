"""Probes: the checks themselves, and when they are made.

Source: Kubernetes' Probe. The HTTP check is written straight to a connection and reads only a status line: hundreds
are made while a mesh starts, and a client library would cost more than the program it checks.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.interface import ProcessSpec, Sandbox
from mesh.resources.core.pod import Container, HTTPGetAction, Probe

MAX_STATUS_LINE = 4096
OUTPUT_SHOWN = 500


class ProbeFailed(Exception):
    """A check failed; the message says how, in the kubelet's words."""


class ProbeExcused(Exception):
    """A check failed for a reason that says nothing about the container: it does not count."""


async def check(probe: Probe, container: Container, sandbox: Sandbox, spec: ProcessSpec) -> None:
    """Makes one check of the container that `spec` started. Raises ProbeFailed."""
    limit = float(probe.timeout_seconds or 1)
    try:
        async with asyncio.timeout(limit):
            await _check_once(probe, container, sandbox, spec, limit)
    except TimeoutError:
        raise ProbeFailed(f"no answer within {limit:g} s") from None


async def _check_once(probe: Probe, container: Container, sandbox: Sandbox, spec: ProcessSpec, limit: float) -> None:
    if probe.http_get is not None:
        await http_check(probe.http_get, container, sandbox)
    elif probe.tcp_socket is not None:
        port = port_number(probe.tcp_socket.port, container)
        await _tcp_check(probe.tcp_socket.host or sandbox.ip, port, sandbox)
    elif probe.grpc is not None:
        await _tcp_check(sandbox.ip, probe.grpc.port, sandbox)
    elif probe.exec is not None:
        code, output = await sandbox.run(spec, probe.exec.command, limit)
        if code != 0:
            command = " ".join(probe.exec.command)
            raise ProbeFailed(f"command {command!r} ended with {code}: {output.strip()[-OUTPUT_SHOWN:]}")


def port_number(port: int | str, container: Container) -> int:
    """A port by number, or by the name that the container gives it. Raises ProbeFailed for an unknown name."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for declared in container.ports:
        if declared.name == port:
            return declared.container_port
    names = ", ".join(sorted(p.name for p in container.ports if p.name)) or "none"
    raise ProbeFailed(f'port "{port}" is not a name of container {container.name}\'s ports (it has {names})')


async def http_check(action: HTTPGetAction, container: Container, sandbox: Sandbox) -> None:
    """Requests a path; a status from 200 to 399 is a success. Raises ProbeFailed."""
    host, port = action.host or sandbox.ip, port_number(action.port, container)
    secure = (action.scheme or "HTTP").upper() == "HTTPS"
    path = action.path or "/"
    target = path if path.startswith("/") else f"/{path}"
    url = f"{'https' if secure else 'http'}://{host}:{port}{target}"
    headers = {header.name: header.value for header in action.http_headers}
    answer = _StatusLine(_request(host, port, target, headers), asyncio.get_running_loop())
    try:
        transport = await sandbox.connect(lambda: answer, host, port, _unverified() if secure else None)
    except OSError as error:
        raise ProbeFailed(f"GET {url}: {_reason(error)}") from None
    try:
        status = await answer.status
    except ProbeFailed as failure:
        raise ProbeFailed(f"GET {url}: {failure}") from None
    finally:
        transport.abort()
    if not 200 <= status < 400:
        raise ProbeFailed(f"HTTP probe failed with statuscode: {status} (GET {url})")


def _request(host: str, port: int, target: str, headers: dict[str, str]) -> bytes:
    fields = {
        "Host": f"{host}:{port}",
        "User-Agent": "kube-probe/mesh-mall",
        "Accept": "*/*",
        "Connection": "close",
    }
    # A probe's own headers replace these, whatever case they are written in.
    for name, value in headers.items():
        fields.update({name.title() if name.title() in fields else name: value})
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _tcp_check(host: str, port: int, sandbox: Sandbox) -> None:
    """Opens a connection and closes it. Raises ProbeFailed."""
    try:
        transport = await sandbox.connect(asyncio.Protocol, host, port)
    except OSError as error:
        raise ProbeFailed(f"dial tcp {host}:{port}: {_reason(error)}") from None
    transport.abort()


async def listens(ports: Iterable[int], sandbox: Sandbox) -> bool:
    """Whether the pod accepts connections at one of the ports."""
    for port in ports:
        try:
            await _tcp_check(sandbox.ip, port, sandbox)
        except ProbeFailed:
            continue
        return True
    return False


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
            self._settle(ProbeFailed("the answer is not HTTP/1"))

    def connection_lost(self, error: Exception | None) -> None:
        self._settle(ProbeFailed(f"closed without an answer{f': {_reason(error)}' if error else ''}"))

    def _settle(self, result: int | ProbeFailed) -> None:
        if self.status.done():
            return
        if isinstance(result, ProbeFailed):
            self.status.set_exception(result)
            self.status.exception()  # retrieved here, so that asyncio does not report it when the check was cancelled
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
    """Counts results as Kubernetes does: `good` changes after so many equal results in a row. Pure."""

    success_threshold: int
    failure_threshold: int
    good: bool
    _streak: int = 0
    _last: bool | None = None

    def take(self, success: bool) -> bool:
        """Counts one result; returns whether it reached a threshold."""
        self._streak = self._streak + 1 if success is self._last else 1
        self._last = success
        if self._streak < (self.success_threshold if success else self.failure_threshold):
            return False
        self.good = success
        return True


class Result(NamedTuple):
    """One check that counts; `reached` says whether it reached the success or the failure threshold."""

    success: bool
    reached: bool
    message: str


OnResult = Callable[[Result], bool]
"""Takes a result; returns whether to go on checking."""


async def watch(
    probe: Probe,
    check_once: Callable[[], Awaitable[None]],
    on_result: OnResult,
    settings: PodSettings,
    *,
    eager: bool,
) -> None:
    """Makes checks for as long as `on_result` returns True. `check_once` raises ProbeFailed, or ProbeExcused.

    With `eager` the first checks follow each other quickly, until one succeeds; of those only one per period counts
    as a failure, so that haste does not use up the failureThreshold.
    """
    loop = asyncio.get_running_loop()
    period = float(probe.period_seconds or 10)
    verdict = Verdict(int(probe.success_threshold or 1), int(probe.failure_threshold or 3), good=False)
    if probe.initial_delay_seconds:
        await asyncio.sleep(float(probe.initial_delay_seconds))
    begun = last_counted = loop.time()
    hasty = eager and verdict.success_threshold == 1
    while True:
        success, message = True, ""
        try:
            await check_once()
        except ProbeFailed as failure:
            success, message = False, str(failure)
        except ProbeExcused:
            await asyncio.sleep(min(period, settings.first_check_every))
            continue
        now = loop.time()
        if success or not hasty or now - last_counted >= period:
            last_counted = now
            if not on_result(Result(success, verdict.take(success), message)):
                return
        hasty = hasty and not success and now - begun < settings.first_checks_for
        await asyncio.sleep(min(period, settings.first_check_every) if hasty else period)
