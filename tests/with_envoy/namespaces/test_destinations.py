"""What pods reach by address: Services, pods, ports that speak no HTTP; nothing passes by the rules."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.support.http import DEADLINE
from tests.support.objects import Body, body, rule, service, to
from tests.support.pod_networks import PodNetworks, PodPlace

JASON = {"headers": {"cookie": {"exact": "user=jason"}}}


def with_ip(raw: Body, ip: str, node_port: int = 0) -> Body:
    raw["spec"]["clusterIP"] = ip
    if node_port:
        raw["spec"]["ports"][0]["nodePort"] = node_port
    return raw


def free_port() -> int:
    """A port of the host that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def line(reader: asyncio.StreamReader) -> bytes:
    """The next line, or nothing when the connection was closed."""
    async with asyncio.timeout(DEADLINE):
        return await reader.readline()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that speaks first."""
    writer.write(b"hello\n")
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


@pytest.fixture
async def shop(mesh: PodNetworks) -> AsyncIterator[tuple[PodNetworks, PodPlace, PodPlace]]:
    """A client, `web` at 10.96.0.20:8080 with a rule for jason, and its other version."""
    client, web, other = await mesh.pod("client"), await mesh.pod("web"), await mesh.pod("other")
    for place in (web, other):
        await mesh.serve_http(place, 7000)
    yield mesh, client, web


def objects(port_name: str = "http", node_port: int = 0) -> list[Body]:
    web = with_ip(service("web", "shop", 8080, port_name), "10.96.0.20", node_port)
    web["spec"]["ports"][0]["targetPort"] = 7000
    # A destination without a port is called at the port of the call: it has to have it.
    other = with_ip(service("other", "shop", 8080), "10.96.0.21")
    other["spec"]["ports"][0]["targetPort"] = 7000
    return [web, other, rule("web", "web", to("other", match=[JASON]), to("web"), namespace="shop")]


@pytest.mark.parametrize("port_name", ["http", "web", ""])
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("10.96.0.20:8080", "web:8080"),
        # A host without a port on another port than 80: that of the connection decides.
        ("10.96.0.20:8080", "web"),
        # By the address of the Service, whatever the host.
        ("10.96.0.20:8080", ""),
        ("10.96.0.20:8080", "shop.example.com"),
        ("10.244.0.1:{node_port}", ""),
    ],
)
async def test_every_way_to_a_service_meets_its_rules(
    shop: tuple[PodNetworks, PodPlace, PodPlace], url: str, host: str, port_name: str
) -> None:
    mesh, client, _ = shop
    node_port = free_port()
    url = url.format(node_port=node_port)
    assert not await mesh.apply(*objects(port_name, node_port))

    plain = (await mesh.ask(client, url, host=host)).sent
    assert plain["who"] == "web"
    assert plain["headers"]["host"] == (host or url)
    assert (await mesh.ask(client, url, host=host, cookie="user=jason")).sent["who"] == "other"


async def test_a_pods_ip_is_reached_and_its_listener_is_nobodys_way_in(
    shop: tuple[PodNetworks, PodPlace, PodPlace],
) -> None:
    mesh, client, web = shop
    assert not await mesh.apply(*objects())

    for host in ("", "any.example.com"):
        assert (await mesh.ask(client, f"{web.ip}:7000", host=host)).sent["who"] == "web"
    # Another pod's listener, this pod's own at its address, and one that Envoy would reach on loopback.
    for address, port in ((web.ip, 15001), ("127.0.0.1", 15001)):
        with pytest.raises(ConnectionError):
            await mesh.ask(client, f"{address}:{port}", host="web:8080")
    assert (await mesh.ask(client, "10.96.0.99:80", host="nobody")).status == 502


async def test_a_server_may_speak_first(shop: tuple[PodNetworks, PodPlace, PodPlace]) -> None:
    mesh, client, web = shop
    await mesh.serve(web, 3306, greet)
    database = with_ip(service("database", "shop", 3306, "tcp-sql", app="web"), "10.96.0.22")
    detected = with_ip(service("detected", "shop", 9000, "", app="web"), "10.96.0.23")
    detected["spec"]["ports"][0]["targetPort"] = 3306
    assert not await mesh.apply(*objects(), database, detected)

    for address, port in (("10.96.0.22", 3306), ("10.96.0.23", 9000), (web.ip, 3306)):
        reader, writer = await mesh.connect(client, address, port)
        assert await line(reader) == b"hello\n"
        writer.write(b"thanks\n")
        assert await line(reader) == b"thanks\n"


def only_for(account: str, selected: str, **more: object) -> Body:
    principal = f"cluster.local/ns/shop/sa/{account}"
    rules = [{"from": [{"source": {"principals": [principal]}}], **more}]
    return body(
        "AuthorizationPolicy",
        "only",
        "shop",
        "security.istio.io",
        selector={"matchLabels": {"app": selected}},
        action="ALLOW",
        rules=rules,
    )


async def test_no_way_to_a_pod_passes_by_its_policies(shop: tuple[PodNetworks, PodPlace, PodPlace]) -> None:
    mesh, client, web = shop
    friend = await mesh.pod("friend", account="friend")
    await mesh.serve(web, 3306, greet)
    database = with_ip(service("database", "shop", 3306, "tcp-sql", app="web"), "10.96.0.22")
    assert not await mesh.apply(*objects(), database, only_for("friend", "web"))

    for url, host in (("10.96.0.20:8080", "web"), ("10.96.0.20:8080", ""), (f"{web.ip}:7000", "")):
        assert (await mesh.ask(friend, url, host=host)).status == 200
        assert (await mesh.ask(client, url, host=host)).status == 403
    for address in ("10.96.0.22", web.ip):
        reader, writer = await mesh.connect(friend, address, 3306)
        assert await line(reader) == b"hello\n"
        writer.close()
        reader, _ = await mesh.connect(client, address, 3306)
        assert await line(reader) == b""
    # A pod that no policy is for is as open as before.
    assert (await mesh.ask(client, f"{mesh.pods[2].ip}:7000")).sent["who"] == "other"


async def test_a_policy_for_one_port_holds_for_that_port(shop: tuple[PodNetworks, PodPlace, PodPlace]) -> None:
    mesh, client, web = shop
    friend = await mesh.pod("friend", account="friend")
    await mesh.serve(web, 3306, greet)
    policy = only_for("friend", "web")
    policy["spec"]["rules"].append({"to": [{"operation": {"ports": ["7000"]}}]})
    assert not await mesh.apply(*objects(), policy)

    assert (await mesh.ask(client, f"{web.ip}:7000")).status == 200
    reader, _ = await mesh.connect(client, web.ip, 3306)
    assert await line(reader) == b""
    reader, _ = await mesh.connect(friend, web.ip, 3306)
    assert await line(reader) == b"hello\n"
