"""What clients outside write into ids does not disturb what the mesh reports of other requests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from mesh.envoy.data_plane import DataPlaneSettings
from mesh.observe.access_log import AccessLog
from mesh.observe.hops import Hop, Ring
from mesh.resources.meshmall.marks import unmarked
from tests.support.data_plane import PatientPlane, Place
from tests.support.forwarding import EVERYTHING, SERVICES, Chain
from tests.support.waiting import eventually

CLIENT_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def chain_and_ring(home: Path, place: Place) -> AsyncIterator[tuple[Chain, Ring]]:
    ring = Ring()
    plane = PatientPlane(home, DataPlaneSettings(concurrency=1), AccessLog(ring))
    async with AsyncExitStack() as stack:
        await plane.start()
        stack.push_async_callback(plane.stop)
        chain = Chain(place, plane, dict.fromkeys(SERVICES, EVERYTHING))
        await chain.start(stack)
        yield chain, ring


async def hops_of(ring: Ring, request_id: str) -> list[Hop]:
    """The hops of one request through the whole chain, once all are reported."""

    def reported() -> list[Hop] | None:
        hops = [hop for hop in ring if unmarked(hop.request_id) == request_id]
        return hops if len(hops) == len(SERVICES) else None

    hops = await eventually(reported, f"all hops of {request_id} are reported")
    assert hops
    return hops


@pytest.mark.parametrize("branches", [(), ("ann", "bob")], ids=["without branches", "with branches"])
async def test_a_hostile_id_hides_no_other_request(
    chain_and_ring: tuple[Chain, Ring], branches: tuple[str, ...]
) -> None:
    chain, ring = chain_and_ring
    await chain.apply(branches=branches)
    for number, hostile in enumerate((b"\xff\xfe", b"\xc3", b"x" * 50_000, b'a,b;c="', "ü".encode())):
        for name in ("x-request-id", "traceparent", "x-branch", "user-agent", "referer", "x-forwarded-for"):
            await chain.ask((name, hostile))
        await chain.ask(("x-request-id", f"good-{number}"), ("user-agent", hostile))
        assert {hop.status for hop in await hops_of(ring, f"good-{number}")} == {200}
    assert all(len(hop.request_id) <= 192 and len(hop.traceparent) <= 128 for hop in ring)
    assert {hop.branch for hop in ring} <= {"", *branches}


async def test_the_hops_of_a_branch_are_joined_by_the_client_s_id(chain_and_ring: tuple[Chain, Ring]) -> None:
    chain, ring = chain_and_ring
    await chain.apply()
    traceparent = f"00-{CLIENT_TRACE}-00f067aa0ba902b7-01"
    await chain.ask(("cookie", "user=ann"), ("x-request-id", "mine"), ("traceparent", traceparent))
    hops = await hops_of(ring, "mine")
    assert {hop.request_id for hop in hops} == {f"mine@ann-{chain.tag('ann')}"}
    assert {hop.branch for hop in hops} == {"ann"}
    assert {hop.original_trace for hop in hops} == {"", CLIENT_TRACE}
