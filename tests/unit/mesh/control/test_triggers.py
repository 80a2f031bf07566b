"""Which changes lead to a new compilation, and which of the many statuses do not."""

import asyncio
from typing import Any

import pytest

from mesh.control.triggers import matters
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store import Event, Put, Store
from tests.support.objects import branch, pod, rule, service, to
from tests.support.objects import ref_of as ref_of_body


def changed(raw: Body, **fields: Any) -> Event:
    """The event of an object that is stored, and then stored with other fields."""
    store = Store.open(None)
    ref = ref_of_body(raw)
    store.commit([Put(ref, raw)])
    watch = store.watch(since=store.version)
    stored = store.get(ref)
    assert stored is not None
    store.commit([Put(ref, {**stored.body, **fields})])
    (event,) = watch.take()
    return event


@pytest.mark.parametrize(
    ("raw", "fields", "expected"),
    [
        (rule("r", "products", to("products")), {"status": {"conditions": []}}, False),
        (rule("r", "products", to("products")), {"spec": {"hosts": ["other"]}}, True),
        (service("products"), {"status": {"conditions": []}}, False),
        (pod("p", "10.0.0.1"), {"status": {"phase": "Running", "podIP": "10.0.0.2"}}, True),
        (branch("fox", services={"products": {"fork": {}}}), {"status": {"phase": "Ready"}}, False),
    ],
)
def test_a_status_matters_only_where_routing_reads_it(raw: Body, fields: Body, *, expected: bool) -> None:
    assert matters(changed(raw, **fields)) is expected


def test_a_developers_process_that_stops_answering_matters() -> None:
    fox = branch("fox", services={"products": {"url": "http://127.0.0.1:9"}})
    line = {"name": "products", "kind": "url", "answers": "http://127.0.0.1:9"}
    assert matters(changed(fox, status={"services": [{**line, "ready": False}]}))
    assert not matters(changed(fox, status={"services": [{**line, "ready": True}]}))


def test_a_kind_that_routing_does_not_read_never_matters() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "mesh"}, "data": {}}
    assert not matters(changed(config, data={"a": "b"}))


async def test_a_deletion_of_a_rule_matters() -> None:
    store = Store.open(None)
    ref = Ref("networking.istio.io", "VirtualService", "mesh", "r")
    store.commit([Put(ref, rule("r", "products", to("products")))])
    watch = store.watch(since=0)
    async with asyncio.timeout(5):
        events = await watch.batch()
    assert all(map(matters, events))
