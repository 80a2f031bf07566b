"""Requests at the gateway that HTTP's RFCs forbid, or leave to the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.support.data_plane import PatientPlane, Place
from tests.support.forwarding import SERVICES, Chain

BASELINE = b'["' + b'", "'.join(f"{name}-v1".encode() for name in SERVICES) + b'"]'
LIMIT = 60.0


@pytest.fixture
async def chain(plane: PatientPlane, place: Place) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        programs = Chain(place, plane)
        await programs.start(stack)
        await programs.apply()
        yield programs


async def _send(chain: Chain, *lines: str) -> tuple[int, bytes]:
    """Sends a request's lines as they are: the answer's status, and everything behind its head."""
    async with asyncio.timeout(LIMIT):
        reader, writer = await asyncio.open_connection(chain.settings.gateway_address, chain.settings.ports[80])
        try:
            writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return int(head.split()[1]), await reader.readexactly(int(length.split()[1]))
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_an_upgrade_that_is_no_handshake_is_ignored_and_the_page_comes(chain: Chain) -> None:
    for protocol in ("websocket", "h2c", "TLS/1.2", "HTTP/2.0"):
        answer = await _send(chain, "GET / HTTP/1.1", "Host: shop", "Connection: Upgrade", f"Upgrade: {protocol}")
        assert answer == (200, BASELINE), protocol


async def test_a_request_has_one_host(chain: Chain) -> None:
    assert await _send(chain, "GET / HTTP/1.1", "Host: shop") == (200, BASELINE)
    for second in ("shop", "other"):
        chain.seen.clear()
        status, _ = await _send(chain, "GET / HTTP/1.1", "Host: shop", f"Host: {second}")
        assert (status, chain.seen) == (400, [])
    assert (await _send(chain, "GET / HTTP/1.1"))[0] == 400


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3.0", "HTTP/1.2", "HTTP/1.0", "HTTP/0.9"])
async def test_other_versions_in_a_request_line_are_refused(chain: Chain, version: str) -> None:
    assert (await _send(chain, f"GET / {version}", "Host: shop"))[0] == 426
    assert chain.seen == []


async def test_http_0_9_has_no_answer_of_a_program(chain: Chain) -> None:
    assert (await _send(chain, "GET /"))[0] == 426
    assert chain.seen == []
