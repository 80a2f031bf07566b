"""DestinationRule's tls: plain requests of pods go on encrypted (Istio's task "Egress TLS Origination")."""

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.conformance.reference import Request
from tests.conformance.rig import Rig, istio
from tests.support.certificates import certificate
from tests.support.server import Server

Json = dict[str, Any]
HOST = "secure.outside.example.com"


class Outside:
    """A server on loopback that speaks TLS alone; `names` are what clients asked for (SNI)."""

    def __init__(self, folder: Path) -> None:
        self.public, private = certificate(HOST)
        self.client, key = certificate("client.example.com")
        self.client_key = key
        (folder / "server.pem").write_text(self.public + private)
        self.names: list[str | None] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem")
        self._context.load_verify_locations(cadata=self.client)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)

    async def serve(self, *, mutual: bool = False) -> Server:
        self._context.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 207 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()

        return await Server.start(answer, "127.0.0.1", tls=self._context)


def secret(name: str, **data: str) -> Json:
    held = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": "mesh"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": held}


def rule(tls: Json, *, at_port: bool = False) -> Json:
    policy: Json = {"portLevelSettings": [{"port": {"number": 80}, "tls": tls}]} if at_port else {"tls": tls}
    return istio("DestinationRule", "outside", {"host": HOST, "trafficPolicy": policy})


def called(rig: Rig, runner: asyncio.Runner, outside: Outside, *objects: Json, mutual: bool = False) -> int:
    """The status of a pod's plain request to the host, whose port 80 stands for the server's."""

    async def play() -> int:
        server = await outside.serve(mutual=mutual)
        try:
            port = {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": server.port}
            spec = {"hosts": [HOST], "ports": [port], "resolution": "STATIC", "endpoints": [{"address": "127.0.0.1"}]}
            await rig.apply([*rig.around(), istio("ServiceEntry", "outside", spec), *objects])
            request = Request("mesh", HOST, 80, "GET", "/", "", (), authority=HOST)
            return (await rig.ask(request, "caller"))[1].status
        finally:
            await rig.hang_up()
            await server.stop()

    return runner.run(play())


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path)


def test_requests_go_on_encrypted_to_who_can_prove_its_name(rig: Rig, runner: asyncio.Runner, outside: Outside) -> None:
    trusted = secret("trusted", ca_crt=outside.public)
    simple = {"mode": "SIMPLE", "credentialName": "trusted", "sni": HOST}
    for policy in (rule(simple), rule(simple, at_port=True)):
        outside.names.clear()
        assert called(rig, runner, outside, trusted, policy) == 207
        assert outside.names == [HOST]
    # Nobody's certificate: the system does not know who signed it.
    assert called(rig, runner, outside, rule({"mode": "SIMPLE", "sni": HOST})) == 503
    unchecked = {"mode": "SIMPLE", "sni": HOST, "insecureSkipVerify": True}
    assert called(rig, runner, outside, rule(unchecked)) == 207
    others = {**simple, "subjectAltNames": ["other.example.com"]}
    assert called(rig, runner, outside, trusted, rule(others)) == 503
    # Plain, as without any rule: the server does not understand it.
    assert called(rig, runner, outside, rule({"mode": "DISABLE"})) == 503


def test_a_certificate_is_shown_where_the_rule_says_so(rig: Rig, runner: asyncio.Runner, outside: Outside) -> None:
    own = secret("own", ca_crt=outside.public, tls_crt=outside.client, tls_key=outside.client_key)
    mutual = {"mode": "MUTUAL", "credentialName": "own", "sni": HOST}
    assert called(rig, runner, outside, own, rule(mutual), mutual=True) == 207
    assert called(rig, runner, outside, own, rule({**mutual, "mode": "SIMPLE"}), mutual=True) == 503


def test_files_of_a_proxy_are_refused_and_istio_s_own_tls_is_told() -> None:
    for name in ("clientCertificate", "privateKey", "caCertificates", "caCrl"):
        with pytest.raises(Invalid) as caught:
            validate(rule({"mode": "SIMPLE", name: "/etc/certs/a.pem"}))
        assert f"spec.trafficPolicy.tls.{name}" in [error.path for error in caught.value.errors]
    with pytest.raises(Invalid) as caught:
        validate(rule({"mode": "MUTUAL"}))
    assert "spec.trafficPolicy.tls.credentialName" in [error.path for error in caught.value.errors]
    (warning,) = validate(rule({"mode": "ISTIO_MUTUAL"}, at_port=True)).warnings
    assert "spec.trafficPolicy.portLevelSettings[0].tls.mode" in warning
