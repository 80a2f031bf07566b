"""The client's certificate of the kubeconfig is as good as the token; any other certificate is none."""

import asyncio
import http.client
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography.x509 import load_pem_x509_certificate

from mesh.api.transport import pki
from tests.support.api import Api


def ask(api: Api, context: ssl.SSLContext, path: str = "/api/v1/namespaces") -> int:
    parts = urlsplit(api.url)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def trusting(api: Api, folder: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(api.home / "pki" / "ca.crt"))
    if folder is not None:
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


async def test_the_clients_certificate_opens_without_the_token(api: Api) -> None:
    assert await asyncio.to_thread(ask, api, trusting(api, api.home / "pki")) == 200
    assert await asyncio.to_thread(ask, api, trusting(api, None)) == 401


async def test_a_certificate_of_another_authority_is_refused(api: Api, tmp_path: Path) -> None:
    pki.make(tmp_path, "127.0.0.1", datetime.now(UTC))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.to_thread(ask, api, trusting(api, tmp_path))


async def test_the_kubeconfig_has_both_and_nobody_else_can_read_them(api: Api) -> None:
    user = yaml.safe_load((api.home / "kubeconfig").read_text())["users"][0]["user"]
    assert set(user) == {"token", "client-certificate-data", "client-key-data"}
    for name in ("kubeconfig", "pki/client.key", "pki/server.key", "token"):
        assert (api.home / name).stat().st_mode & 0o077 == 0


def test_certificates_hold_for_a_clock_that_was_set_back(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ends = pki.make(tmp_path, "127.0.0.1", now)
    for name in ("ca.crt", "server.crt", "client.crt"):
        certificate = load_pem_x509_certificate((tmp_path / name).read_bytes())
        for moment in (now - timedelta(days=3000), now - timedelta(hours=49), now, ends - timedelta(minutes=1)):
            assert certificate.not_valid_before_utc <= moment < certificate.not_valid_after_utc, (name, moment)
