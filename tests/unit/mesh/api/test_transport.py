"""Who gets in, and what the home holds."""

import asyncio
import datetime
import ssl
import stat
from pathlib import Path

import pytest

from mesh.api.transport import serving
from mesh.api.transport.credentials import prepare
from tests.support.api import Api

PODS = "/api/v1/pods"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/version"])
async def test_health_and_version_need_no_token(api: Api, path: str) -> None:
    assert (await api.ask("GET", path, headers={"Authorization": ""})).code == 200


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", "Basic {token}", "bearer{token}"])
async def test_everything_else_needs_the_token(api: Api, given: str) -> None:
    for path in (PODS, "/", "/api", "/apis", "/mesh/v1/status", "/nothing"):
        answer = await api.ask("GET", path, headers={"Authorization": given.format(token=api.token)})
        assert (answer.code, answer.body["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:443", "127.0.0.1.evil.example", "[::2]:1", "10.0.0.1"])
async def test_a_foreign_host_is_refused_even_with_the_token(api: Api, host: str) -> None:
    for path in (PODS, "/version"):
        assert (await api.ask("GET", path, headers={"Host": host})).code == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:6443", "[::1]:6443", "kubernetes.default.svc"])
async def test_the_names_of_loopback_are_good(api: Api, host: str) -> None:
    assert (await api.ask("GET", PODS, headers={"Host": host})).code == 200


@pytest.mark.parametrize("origin", ["null", "https://localhost", "https://evil.example"])
async def test_web_pages_are_refused(api: Api, origin: str) -> None:
    assert (await api.ask("GET", PODS, headers={"Origin": origin})).code == 403


async def test_plain_http_and_foreign_certificates_do_not_work(api: Api) -> None:
    host, port = api.url.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = await asyncio.wait_for(asyncio.gather(reader.read(), return_exceptions=True), 10)
    assert b"gitVersion" not in (answer[0] if isinstance(answer[0], bytes) else b"")
    writer.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(host, int(port), ssl=ssl.create_default_context())


async def test_a_head_that_is_too_large_or_does_not_come_ends_the_connection(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = api.url.removeprefix("https://").split(":")
    monkeypatch.setattr(serving._BoundedHead, "HEAD_LIMIT", 0.05)
    for sent in (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000):
        reader, writer = await asyncio.open_connection(host, int(port), ssl=api.tls)
        writer.write(sent)
        answer = await asyncio.wait_for(asyncio.gather(reader.read(), return_exceptions=True), 10)
        got = answer[0] if isinstance(answer[0], bytes) else b""
        assert got == b"" or b" 400 " in got
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    assert (await api.ask("GET", "/livez")).code == 200


async def test_what_opens_the_door_is_for_its_owner_alone(api: Api) -> None:
    files = [item for item in api.home.rglob("*") if item.is_file()]
    names = {str(file.relative_to(api.home)) for file in files}
    assert {"token", "kubeconfig", "pki/ca.crt", "pki/server.crt", "pki/server.key", "run/api.json"} <= names
    assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in files} == {"0o600"}
    assert len(api.token) >= 43


def test_token_and_certificates_are_kept_until_they_near_their_end(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    first = prepare(tmp_path, "127.0.0.1", now)
    made = first.certificate.read_bytes()
    assert prepare(tmp_path, "127.0.0.1", now + datetime.timedelta(days=300)) == first
    assert first.certificate.read_bytes() == made
    assert prepare(tmp_path, "127.0.0.1", now + datetime.timedelta(days=370)).token == first.token
    assert first.certificate.read_bytes() != made
    renewed = first.certificate.read_bytes()
    prepare(tmp_path, "127.0.0.5", now + datetime.timedelta(days=370))
    assert first.certificate.read_bytes() != renewed
