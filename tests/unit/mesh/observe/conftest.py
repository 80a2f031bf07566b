"""Hops between three pods of a small mall."""

from typing import Any

import pytest

from mesh.observe.hops import Hop
from mesh.observe.spans import Spans
from mesh.observe.workloads import Addresses
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from tests.support.hops import IP, MakeHop, MakeSpan
from tests.support.objects import pod


@pytest.fixture
def store() -> Store:
    held = Store.open(None)
    for name, ip in IP.items():
        raw = pod(f"{name}-v1-x-y", ip, app=name, version="v1")
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-v1-x", "uid": "u", "controller": True}
        raw["metadata"]["ownerReferences"] = [owner]
        held.commit([Put(Ref("", "Pod", "mesh", f"{name}-v1-x-y"), raw)])
    return held


@pytest.fixture
def hop() -> MakeHop:
    """A hop from one pod ("" is the gateway) to another ("" is none), from `start` for `duration` seconds."""

    def make(source: str, to: str, start: float = 1.0, duration: float = 0.1, **more: Any) -> Hop:
        given: dict[str, Any] = {
            "listener": f"{IP[source]}:15001" if source else "127.0.0.1:8080",
            "upstream": f"{IP[to]}:7000" if to else "",
            "cluster": f"outbound|7000||{to or 'nobody'}.mesh.svc.cluster.local",
            "route": f"mesh/{to}[baseline]",
            "method": "GET",
            "authority": f"{to}:7000",
            "path": "/p",
            "status": 200,
            "flags": "",
            "request_id": "r",
            "traceparent": "",
            "branch": "",
        }
        return Hop(start=start, duration=duration, **{**given, **more})

    return make


@pytest.fixture
def span(store: Store, hop: MakeHop) -> MakeSpan:
    """The same as a span."""
    spans = Spans(Addresses(store))
    return lambda *words, **more: spans.of_all([hop(*words, **more)])[0]
