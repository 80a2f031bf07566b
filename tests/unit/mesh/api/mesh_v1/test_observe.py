"""What the stream of events says about changes in the store."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from mesh.api.mesh_v1.observe import Observe, Sources
from mesh.api.transport.http import Stream
from mesh.observe.hops import Ring
from mesh.observe.telemetry import Telemetry
from mesh.routing.model.snapshot import Snapshot
from mesh.store import Put, Store
from tests.support.objects import ref_of, service


async def body() -> bytes:
    return b""


async def test_the_stream_names_the_kinds_that_changed_since_it_was_opened() -> None:
    store = Store.open(None)
    before, after = service("before"), service("after")
    store.commit([Put(ref_of(before), before)])
    sources = Sources(Telemetry(store, Ring()), lambda _span, _trace: {}, lambda: Snapshot(0))
    observe = Observe(store, sources, asyncio.Event())
    request = cast(Any, SimpleNamespace(headers={}, query={}, body=body))
    stream = await observe.stream(request)
    assert isinstance(stream, Stream)
    pieces = stream.pieces
    async with asyncio.timeout(20):
        assert b"event: hello" in await anext(pieces)
        assert b"event: topology" in await anext(pieces)
        store.commit([Put(ref_of(after), after)])
        while b"event: objects" not in (piece := await anext(pieces)):
            pass
        assert b'{"kinds":["Service"]}' in piece
    await cast(Any, pieces).aclose()
    store.close()
