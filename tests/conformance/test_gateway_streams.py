"""What the Gateway API has beside HTTPRoute: addresses, ListenerSets, TLS, TCP, UDP and policies, with a real Envoy."""

import asyncio
import base64
import json
import socket
import ssl
from typing import Any

import pytest

from tests.conformance.gateway_api import enter, gateway, listener, of, route, to, who
from tests.conformance.reference import Request
from tests.conformance.rig import DEADLINE, Rig, secure_get
from tests.support.certificates import certificate, secret
from tests.support.http import read_message

Json = dict[str, Any]
PAIR = [{"name": "own"}]


def stream(kind: str, backend: str, **more: Any) -> Json:
    spec = {"parentRefs": [{"name": "api"}], "rules": [{"backendRefs": [{"name": backend, "port": 7000}]}], **more}
    return of(kind, "raw", spec)


def config_map(name: str, text: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "mesh"},
        "data": {"ca.crt": text},
    }


SAFE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "safe", "namespace": "mesh"},
    "spec": {"selector": {"app": "cart"}, "ports": [{"name": "https", "port": 7000, "targetPort": 7443}]},
}


async def tls_pod(
    rig: Rig, pod_certificate: str, key: str, shown: list[bool], clients: str | None = None
) -> asyncio.Server:
    """The program of Service `safe`: HTTP by TLS. `shown` gets whether each client had a certificate."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(bool(writer.get_extra_info("ssl_object").getpeercert(binary_form=True)))
        await read_message(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if clients is not None:
        context.load_verify_locations(cadata=clients)
        context.verify_mode = ssl.CERT_OPTIONAL
    (rig.home / "pod.crt").write_text(pod_certificate + key)
    context.load_cert_chain(rig.home / "pod.crt")
    return await asyncio.start_server(serve, rig.addresses["cart"], 7443, ssl=context)


async def ask_raw(rig: Rig, place: str, port: int) -> str:
    """Who answers plain HTTP at a port that passes bytes on."""
    address, number = rig.gateway(place, port)
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                reader, writer = await asyncio.open_connection(address, number)
                writer.write(b"GET / HTTP/1.1\r\nhost: raw\r\n\r\n")
                _, _, body = await read_message(reader)
                writer.close()
                return str(json.loads(body)["pod"]).partition("-v")[0]
            except (ConnectionError, asyncio.IncompleteReadError):
                # Envoy acknowledges a listener a moment before its worker listens.
                await asyncio.sleep(0.01)


def test_routes_of_one_Gateway_are_not_reached_through_another(rig: Rig, runner: asyncio.Runner) -> None:
    objects = [
        gateway(),
        gateway(name="other"),
        route("a", to("shop"), hostnames=()),
        route("b", to("cart"), hostnames=(), parentRefs=[{"name": "other"}]),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), *objects])
        assert who(await enter(rig)) == "shop"
        other = Request("mesh/other", "any.org", 80, "GET", "/", "", (), authority="any.org")
        assert who((await rig.ask(other, "gateway"))[1]) == "cart"
        assert rig.gateway("mesh/api")[0] != rig.gateway("mesh/other")[0]

    runner.run(play())


def test_a_ListenerSet_s_listeners_have_routes_of_their_own(rig: Rig, runner: asyncio.Runner) -> None:
    more = {"parentRef": {"name": "api"}, "listeners": [listener("set", hostname="set.example.com")]}
    allowed: Json = {"allowedListeners": {"namespaces": {"from": "Same"}}}
    of_set = [{"kind": "ListenerSet", "name": "more"}]

    async def play() -> None:
        own = gateway(listener(hostname="api.example.com"), **allowed)
        routes = [route("a", to("shop"), hostnames=()), route("b", to("cart"), hostnames=(), parentRefs=of_set)]
        await rig.apply([*rig.around(), own, of("ListenerSet", "more", more), *routes])
        assert who(await enter(rig)) == "shop"
        assert who(await enter(rig, host="set.example.com")) == "cart"
        await rig.apply([*rig.around(), gateway(), of("ListenerSet", "more", more), *routes])
        assert who(await enter(rig, host="set.example.com")) == "shop"

    runner.run(play())


def test_a_request_for_another_listener_s_host_is_misdirected(rig: Rig, runner: asyncio.Runner) -> None:
    own, trusted = secret("own", "a.example.com")
    listeners = [
        listener("a", 443, "HTTPS", hostname="a.example.com", tls={"certificateRefs": PAIR}),
        listener("b", 443, "HTTPS", hostname="b.example.com", tls={"certificateRefs": PAIR}),
    ]

    async def asked(host: str) -> str:
        context = ssl.create_default_context(cadata=trusted)
        address, port = rig.gateway("mesh/api", 443)
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname="a.example.com")
            writer.write(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
            status, _, _ = await read_message(reader)
            writer.close()
        return status.split(" ")[1]

    async def play() -> None:
        await rig.apply([*rig.around(), own, gateway(*listeners), route("a", to("shop"), hostnames=())])
        assert (await secure_get(rig, "a.example.com", trusted, place="mesh/api"))[0].split(" ")[1] == "200"
        assert await asked("a.example.com") == "200"
        assert await asked("b.example.com") == "421"
        assert await asked("c.example.com") == "404"

    runner.run(play())


def test_a_TCPRoute_takes_every_connection_of_its_port(rig: Rig, runner: asyncio.Runner) -> None:
    async def play() -> None:
        listeners = [listener("raw", 9100, "TCP")]
        await rig.apply([*rig.around(), gateway(*listeners), stream("TCPRoute", "cart")])
        assert await ask_raw(rig, "mesh/api", 9100) == "cart"

    runner.run(play())


def test_a_TLSRoute_ends_TLS_or_leaves_it_to_the_pod(rig: Rig, runner: asyncio.Runner) -> None:
    own, trusted = secret("own", "a.example.com")
    ended = listener("ended", 443, "TLS", hostname="a.example.com", tls={"certificateRefs": PAIR})
    passed = listener("passed", 443, "TLS", hostname="b.example.com", tls={"mode": "Passthrough"})

    async def play() -> None:
        made = stream("TLSRoute", "cart", hostnames=["a.example.com"])
        await rig.apply([*rig.around(), own, gateway(ended, passed), made])
        _, _, body = await secure_get(rig, "a.example.com", trusted, place="mesh/api")
        assert json.loads(body)["pod"].startswith("cart")
        # No route has this name: the connection is closed.
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await secure_get(rig, "b.example.com", trusted, place="mesh/api")
        pod_certificate, pod_key = certificate("b.example.com")
        server = await tls_pod(rig, pod_certificate, pod_key, [])
        try:
            made = stream("TLSRoute", "safe", hostnames=["b.example.com"])
            await rig.apply([*rig.around(), SAFE, own, gateway(passed), made])
            # The certificate is the pod's.
            status, _, _ = await secure_get(rig, "b.example.com", pod_certificate, place="mesh/api")
            assert status.split(" ")[1] == "200"
        finally:
            server.close()
            await server.wait_closed()

    runner.run(play())


def test_a_UDPRoute_passes_datagrams_on_and_back(rig: Rig, runner: asyncio.Runner) -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
            self.transport.sendto(b"echo " + data, addr)

    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "echo", "namespace": "mesh"},
        "spec": {"selector": {"app": "cart"}, "ports": [{"port": 7000, "protocol": "UDP", "targetPort": 7100}]},
    }

    async def play() -> None:
        loop = asyncio.get_running_loop()
        cart = rig.addresses["cart"]
        echo, _ = await loop.create_datagram_endpoint(Echo, (cart, 7100))
        try:
            door = gateway(listener("dns", 5300, "UDP"))
            await rig.apply([*rig.around(), service, door, stream("UDPRoute", "echo")])
            placed = rig.snapshot.listeners["gateway/udp|5300"]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.setblocking(False)
                client.connect((placed.address, placed.port))
                async with asyncio.timeout(DEADLINE):
                    assert await _answered(client) == b"echo hello"
        finally:
            echo.close()

    runner.run(play())


async def _answered(client: socket.socket) -> bytes:
    """Datagrams may be lost, and the worker listens a moment after Envoy has acknowledged."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            await loop.sock_sendall(client, b"hello")
            return await asyncio.wait_for(loop.sock_recv(client, 100), 0.5)
        except (TimeoutError, ConnectionError):
            continue


def test_clients_show_certificates_where_a_Gateway_asks_for_them(rig: Rig, runner: asyncio.Runner) -> None:
    own, trusted = secret("own", "a.example.com")
    client_certificate, client_key = certificate("client")
    ref = {"group": "", "kind": "ConfigMap", "name": "clients"}

    async def get(mode: str, *, shows: bool) -> str:
        validation = {"caCertificateRefs": [ref], "mode": mode}
        door = gateway(
            listener("a", 443, "HTTPS", tls={"certificateRefs": PAIR}),
            tls={"frontend": {"default": {"validation": validation}}},
        )
        objects = [own, config_map("clients", client_certificate), door, route("a", to("shop"), hostnames=())]
        await rig.apply([*rig.around(), *objects])
        context = ssl.create_default_context(cadata=trusted)
        if shows:
            (rig.home / "client.crt").write_text(client_certificate + client_key)
            context.load_cert_chain(rig.home / "client.crt")
        return (await secure_get(rig, "a.example.com", trusted, context=context, place="mesh/api"))[0].split(" ")[1]

    async def play() -> None:
        assert await get("AllowValidOnly", shows=True) == "200"
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await get("AllowValidOnly", shows=False)
        assert await get("AllowInsecureFallback", shows=False) == "200"

    runner.run(play())


def test_a_BackendTLSPolicy_makes_the_gateway_speak_TLS(rig: Rig, runner: asyncio.Runner) -> None:
    pod_certificate, pod_key = certificate("cart.example.com")
    own_certificate, own_key = certificate("gateway")
    shown: list[bool] = []
    pair = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "gateway", "namespace": "mesh"},
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": base64.b64encode(own_certificate.encode()).decode(),
            "tls.key": base64.b64encode(own_key.encode()).decode(),
        },
    }

    def policy(hostname: str, authority: str = "pods") -> Json:
        refs = [{"group": "", "kind": "ConfigMap", "name": authority}]
        target = {"group": "", "kind": "Service", "name": "safe"}
        spec = {"targetRefs": [target], "validation": {"hostname": hostname, "caCertificateRefs": refs}}
        return of("BackendTLSPolicy", "safe", spec)

    async def play() -> None:
        server = await tls_pod(rig, pod_certificate, pod_key, shown, own_certificate)
        door = gateway(tls={"backend": {"clientCertificateRef": {"name": "gateway"}}})
        rest = [SAFE, pair, config_map("pods", pod_certificate), door, route("a", to("safe"), hostnames=())]
        try:
            await rig.apply([*rig.around(), *rest, policy("cart.example.com")])
            assert (await enter(rig)).status == 200
            assert shown[-1]
            await rig.apply([*rig.around(), *rest, policy("other.example.com")])
            assert (await enter(rig)).status == 503
            await rig.apply([*rig.around(), *rest, policy("cart.example.com", "nobody")])
            assert (await enter(rig)).status == 503
        finally:
            server.close()
            await server.wait_closed()

    runner.run(play())
