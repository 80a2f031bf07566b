"""A branch's own pods: what they send stays in the branch, bytes too."""

import asyncio

from mesh.observe.hops import Ring
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from tests.support.objects import branch, service
from tests.support.pod_networks import PodNetworks, PodPlace
from tests.support.waiting import eventually


async def test_bytes_of_a_branchs_own_pods_reach_the_branchs_services(mesh: PodNetworks) -> None:
    client, cache = await mesh.pod("client"), await mesh.pod("cache")
    labels = {"app": "cache", BRANCH_LABEL: "fox", SERVICE_LABEL: "cache"}
    own_cache = await mesh.pod("cache-fox", **labels)
    own_client = await mesh.pod("client-fox", **{**labels, "app": "client", SERVICE_LABEL: "client"})

    def named(place: PodPlace):  # type: ignore[no-untyped-def]
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(place.body["metadata"]["name"].encode() + b"\n")
            await writer.drain()
            writer.close()

        return serve

    for place in (cache, own_cache):
        await mesh.serve(place, 6379, named(place))
    redis = service("cache", "shop", 6379, "redis")
    redis["spec"]["clusterIP"] = "10.96.0.30"
    fox = branch("fox", services={"cache": {"fork": {}}})
    fox["metadata"]["namespace"] = "shop"
    assert not await mesh.apply(redis, fox)

    for place, expected in ((client, b"cache\n"), (own_client, b"cache-fox\n")):
        reader, _ = await mesh.connect(place, "10.96.0.30", 6379)
        assert await reader.readline() == expected


async def test_who_sends_bytes_where_is_seen(mesh_seen: tuple[PodNetworks, Ring]) -> None:
    mesh, ring = mesh_seen
    client, cache = await mesh.pod("client"), await mesh.pod("cache")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * len(await reader.readline()) * 3)
        await writer.drain()
        writer.close()

    await mesh.serve(cache, 6379, serve)
    await mesh.serve_http(cache, 7000)
    redis = service("cache", "shop", 6379, "redis")
    redis["spec"]["clusterIP"] = "10.96.0.30"
    assert not await mesh.apply(redis)
    reader, writer = await mesh.connect(client, "10.96.0.30", 6379)
    writer.write(b"12345\n")
    assert len(await reader.read()) == 18
    await mesh.ask(client, f"{cache.ip}:7000")

    hops = await eventually(lambda: len(tuple(ring)) >= 2 and tuple(ring), "both are reported")
    assert hops
    tcp, http = sorted(hops, key=lambda hop: not hop.is_tcp)
    assert (tcp.request_bytes, tcp.response_bytes, tcp.opened) == (6, 18, True)
    assert tcp.cluster == "outbound|6379||cache.shop.svc.cluster.local"
    assert tcp.upstream == f"{cache.ip}:6379"
    assert http.upstream == f"{cache.ip}:7000"
    assert {hop.listener.partition(":")[0] for hop in hops} == {client.ip}
