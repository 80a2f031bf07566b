"""Gateways that speak TLS and TCP, and several servers and hosts, with real connections."""

import asyncio
import base64
import hashlib
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.conformance.rig import DEADLINE, Rig, istio, secure_get
from tests.support.certificates import certificate, secret
from tests.support.http import read_message

Json = dict[str, Any]
HERE = 8443


def server(number: int, protocol: str, hosts: list[str], tls: Json | None = None) -> Json:
    name = f"{protocol.lower()}-{number}-{hosts[0].replace('*', 'any').replace('.', '-').replace('/', '-')}"
    held: Json = {"port": {"number": number, "name": name, "protocol": protocol}, "hosts": hosts}
    return {**held, "tls": tls} if tls is not None else held


def gateway(name: str, *servers: Json) -> Json:
    return istio("Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": list(servers)})


def to(host: str, subset: str = "", weight: int = 0) -> Json:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": destination, **({"weight": weight} if weight else {})}


def bound(name: str, hosts: list[str], *http: Json, gateways: tuple[str, ...] = ("secure",)) -> Json:
    return istio("VirtualService", name, {"hosts": hosts, "gateways": list(gateways), "http": list(http)})


async def plain_get(rig: Rig, host: str, port: int = 8080, path: str = "/") -> tuple[str, dict[str, str], str]:
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(rig.settings.gateway_address, port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        try:
            return await read_message(reader)
        finally:
            writer.close()


def test_each_host_shows_the_certificate_of_its_secret(rig: Rig, runner: asyncio.Runner) -> None:
    shop, shop_certificate = secret("shop-tls", "shop.example.com")
    wild, wild_certificate = secret("wild-tls", "*.wild.example.com")
    door = gateway(
        "secure",
        server(443, "HTTPS", ["shop.example.com"], {"mode": "SIMPLE", "credentialName": "shop-tls"}),
        server(443, "HTTPS", ["mesh/*.wild.example.com"], {"mode": "SIMPLE", "credentialName": "wild-tls"}),
    )
    rules = [
        bound("shop", ["shop.example.com"], {"route": [to("shop", "v1")]}),
        bound("wild", ["*.wild.example.com"], {"route": [to("cart")]}),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), shop, wild, door, *rules])
        for host, trusted, pod in (
            ("shop.example.com", shop_certificate, '"shop-v1"'),
            ("a.wild.example.com", wild_certificate, '"cart"'),
        ):
            status, _, body = await secure_get(rig, host, trusted)
            assert status.split(" ")[1] == "200"
            assert f'"pod": {pod}' in body
            assert '"x-forwarded-proto": "https"' in body
        with pytest.raises(ssl.SSLError):
            await secure_get(rig, "shop.example.com", wild_certificate)

    runner.run(play())


def test_a_new_certificate_is_shown_as_soon_as_the_secret_has_it(rig: Rig, runner: asyncio.Runner) -> None:
    door = gateway("secure", server(443, "HTTPS", ["*"], {"mode": "SIMPLE", "credentialName": "tls"}))
    rule = bound("shop", ["shop.example.com"], {"route": [to("shop")]})

    async def play() -> None:
        for _ in range(2):
            held, trusted = secret("tls", "shop.example.com")
            await rig.apply([*rig.around(), held, door, rule])
            async with asyncio.timeout(DEADLINE):
                while True:
                    try:
                        status, _, _ = await secure_get(rig, "shop.example.com", trusted)
                    except ssl.SSLError:
                        await asyncio.sleep(0.01)
                    else:
                        break
            assert status.split(" ")[1] == "200"

    runner.run(play())


def test_a_missing_secret_takes_nothing_else_with_it(rig: Rig, runner: asyncio.Runner) -> None:
    held, trusted = secret("tls", "shop.example.com")
    door = gateway(
        "secure",
        server(443, "HTTPS", ["shop.example.com"], {"mode": "SIMPLE", "credentialName": "tls"}),
        server(443, "HTTPS", ["other.example.com"], {"mode": "SIMPLE", "credentialName": "nix"}),
    )
    rule = bound("shop", ["shop.example.com"], {"route": [to("shop")]})

    async def play() -> None:
        await rig.apply([*rig.around(), held, door, rule])
        assert (await secure_get(rig, "shop.example.com", trusted))[0].split(" ")[1] == "200"

    runner.run(play())


def test_a_client_must_show_a_certificate_where_the_gateway_says_so(
    rig: Rig, runner: asyncio.Runner, tmp_path: Path
) -> None:
    held, trusted = secret("tls", "shop.example.com")
    public, private = certificate("client.example.com")
    held["data"]["ca.crt"] = base64.b64encode(public.encode()).decode()
    (tmp_path / "client.pem").write_text(public + private)
    door = gateway("secure", server(443, "HTTPS", ["*"], {"mode": "MUTUAL", "credentialName": "tls"}))
    rule = bound("shop", ["shop.example.com"], {"route": [to("shop")]})

    async def play() -> None:
        await rig.apply([*rig.around(), held, door, rule])
        known = ssl.create_default_context(cadata=trusted)
        known.load_cert_chain(tmp_path / "client.pem")
        assert (await secure_get(rig, "shop.example.com", trusted, context=known))[0].split(" ")[1] == "200"
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await secure_get(rig, "shop.example.com", trusted)

    runner.run(play())


def test_a_client_s_certificate_must_be_one_of_those_that_the_gateway_names(
    rig: Rig, runner: asyncio.Runner, tmp_path: Path
) -> None:
    held, trusted = secret("tls", "shop.example.com")
    public, private = certificate("client.example.com")
    made = x509.load_pem_x509_certificate(public.encode())
    key = made.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    authority = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "clients", "namespace": "mesh"},
        "data": {"ca.crt": base64.b64encode(public.encode()).decode()},
    }
    (tmp_path / "client.pem").write_text(public + private)
    rule = bound("shop", ["shop.example.com"], {"route": [to("shop")]})

    async def status(tls: Json) -> str:
        mutual = {"mode": "MUTUAL", "credentialName": "tls", "caCertCredentialName": "clients", **tls}
        await rig.apply([*rig.around(), held, authority, gateway("secure", server(443, "HTTPS", ["*"], mutual)), rule])
        known = ssl.create_default_context(cadata=trusted)
        known.load_cert_chain(tmp_path / "client.pem")
        try:
            return (await secure_get(rig, "shop.example.com", trusted, context=known))[0].split(" ")[1]
        except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            return "refused"

    fingerprint = made.fingerprint(hashes.SHA256()).hex()
    pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
    for tls, expected in (
        ({}, "200"),
        ({"subjectAltNames": ["client.example.com"]}, "200"),
        ({"subjectAltNames": ["other.example.com"]}, "refused"),
        ({"verifyCertificateHash": [fingerprint]}, "200"),
        ({"verifyCertificateHash": ["ab" * 32]}, "refused"),
        ({"verifyCertificateSpki": [pin]}, "200"),
        ({"verifyCertificateSpki": [base64.b64encode(b"0" * 32).decode()]}, "refused"),
    ):
        assert runner.run(status(tls)) == expected


def test_versions_and_ciphers_are_those_that_the_gateway_says(rig: Rig, runner: asyncio.Runner) -> None:
    held, trusted = secret("tls", "shop.example.com")
    rule = bound("shop", ["shop.example.com"], {"route": [to("shop")]})
    cipher = "ECDHE-ECDSA-AES256-GCM-SHA384"

    async def play(tls: Json) -> tuple[str, str]:
        simple = {"mode": "SIMPLE", "credentialName": "tls", **tls}
        await rig.apply([*rig.around(), held, gateway("secure", server(443, "HTTPS", ["*"], simple)), rule])
        context = ssl.create_default_context(cadata=trusted)
        async with asyncio.timeout(DEADLINE):
            _, writer = await asyncio.open_connection(
                rig.settings.gateway_address, HERE, ssl=context, server_hostname="shop.example.com"
            )
            name, version, _ = writer.get_extra_info("cipher")
            shown = writer.get_extra_info("ssl_object").version()
            writer.close()
        assert version
        return name, shown

    assert runner.run(play({"maxProtocolVersion": "TLSV1_2", "cipherSuites": [cipher]})) == (cipher, "TLSv1.2")
    assert runner.run(play({"minProtocolVersion": "TLSV1_3"}))[1] == "TLSv1.3"


def test_plain_requests_are_sent_to_https_where_the_gateway_says_so(rig: Rig, runner: asyncio.Runner) -> None:
    held, _ = secret("tls", "shop.example.com")
    door = gateway(
        "secure",
        server(80, "HTTP", ["shop.example.com"], {"httpsRedirect": True}),
        server(443, "HTTPS", ["shop.example.com"], {"mode": "SIMPLE", "credentialName": "tls"}),
    )
    rule = bound("shop", ["shop.example.com"], {"route": [to("shop")]})

    async def play() -> None:
        await rig.apply([*rig.around(), held, door, rule])
        status, headers, _ = await plain_get(rig, "shop.example.com:8080", path="/a?b=c")
        assert (status.split(" ")[1], headers["location"]) == ("301", f"https://shop.example.com:{HERE}/a?b=c")

    runner.run(play())


def test_tls_is_passed_on_by_the_name_that_is_asked_for(rig: Rig, runner: asyncio.Runner) -> None:
    door = gateway("secure", server(443, "TLS", ["*"], {"mode": "PASSTHROUGH"}))
    match = [{"sniHosts": ["shop.example.com"]}]
    spec = {"hosts": ["*"], "gateways": ["secure"], "tls": [{"match": match, "route": [to("cart")]}]}

    async def play() -> None:
        await rig.apply([*rig.around(), door, istio("VirtualService", "pass", spec)])
        before = rig.connections["cart"]
        async with asyncio.timeout(DEADLINE):
            reader, other = await asyncio.open_connection(rig.settings.gateway_address, HERE)
            other.write(hello("other.example.com"))
            with suppress(ConnectionError):
                assert await reader.read() == b""
            _, writer = await asyncio.open_connection(rig.settings.gateway_address, HERE)
            writer.write(hello("shop.example.com"))
            while rig.connections["cart"] == before:  # noqa: ASYNC110 - the pod is asked
                await asyncio.sleep(0.001)
        writer.close()
        other.close()
        assert rig.connections["cart"] == before + 1

    runner.run(play())


def hello(name: str) -> bytes:
    """What a TLS client says first when it asks for a name."""
    said = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), said, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()


def test_tcp_goes_to_several_destinations_by_weight(rig: Rig, runner: asyncio.Runner) -> None:
    door = gateway("secure", server(8600, "TCP", ["*"]))
    shares = [to("shop", "v1", 50), to("shop", "v2", 50), to("cart", weight=0)]
    spec = {
        "hosts": ["*"],
        "gateways": ["secure"],
        "tcp": [{"match": [{"port": 9}], "route": [to("copy")]}, {"match": [{"port": 8600}], "route": shares}],
    }

    async def play() -> set[str]:
        await rig.apply([*rig.around(), door, istio("VirtualService", "tcp", spec)])
        seen: set[str] = set()
        async with asyncio.timeout(DEADLINE):
            while len(seen) < 2:
                _, _, body = await plain_get(rig, "any", 8600)
                seen.add(body.partition('"pod": "')[2].partition('"')[0])
        return seen

    assert runner.run(play()) == {"shop-v1", "shop-v2"}


def test_a_gateway_and_the_mesh_decide_alike(rig: Rig, runner: asyncio.Runner) -> None:
    """Headers of several blocks stay alternatives, at both places (known to differ elsewhere)."""
    match = [{"headers": {"x": {"exact": "1"}}}, {"headers": {"y": {"exact": "2"}}}]
    spec = {
        "hosts": ["shop", "shop.example.com"],
        "gateways": ["mesh", "door"],
        "http": [{"match": match, "route": [to("shop", "v1")]}, {"route": [to("shop", "v2")]}],
    }

    async def play() -> None:
        await rig.apply([*rig.around(), istio("VirtualService", "both", spec)])
        for header, pod in (("x: 1", "shop-v1"), ("y: 2", "shop-v1"), ("x: 2", "shop-v2"), ("y: 1", "shop-v2")):
            for address, port, line in (
                (rig.settings.gateway_address, 8080, "GET / HTTP/1.1\r\nhost: shop.example.com"),
                (rig.addresses["caller"], 15001, "GET http://shop:7000/ HTTP/1.1\r\nhost: shop:7000"),
            ):
                async with asyncio.timeout(DEADLINE):
                    reader, writer = await asyncio.open_connection(address, port)
                    writer.write(f"{line}\r\n{header}\r\n\r\n".encode())
                    _, _, body = await read_message(reader)
                    writer.close()
                assert f'"pod": "{pod}"' in body

    runner.run(play())


@pytest.mark.parametrize(
    ("host", "pod"),
    [
        ("a.example.com", "cart"),
        ("a.example.com:8080", "cart"),
        ("a.example.com:9999", "cart"),
        ("b.example.com:8080", "copy"),
        ("b.example.com:9999", "copy"),
    ],
)
def test_a_port_in_the_host_does_not_decide_who_answers(rig: Rig, runner: asyncio.Runner, host: str, pod: str) -> None:
    rules = [
        bound("wild", ["*.example.com"], {"route": [to("copy")]}, gateways=("door",)),
        bound("exact", ["a.example.com"], {"route": [to("cart")]}, gateways=("door",)),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), *rules])
        _, _, body = await plain_get(rig, host)
        assert f'"pod": "{pod}"' in body

    runner.run(play())
