"""Sidecar: the hosts that the pods of a namespace can call."""

import asyncio
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.conformance.reference import Request
from tests.conformance.rig import Rig

Json = dict[str, Any]


def sidecar(*hosts: str, namespace: str = "mesh", name: str = "default") -> Json:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Sidecar",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"egress": [{"hosts": list(hosts)}]},
    }


async def statuses(rig: Rig, *objects: Json) -> list[int]:
    """What `shop` and `cart` answer to a pod of their own namespace, and to one of another."""
    await rig.apply([*rig.around(), *objects])
    found = []
    try:
        for caller, namespace in (("caller", "mesh"), ("stranger", "other")):
            for name in ("shop", "cart"):
                host = f"{name}.mesh.svc.cluster.local:7000"
                request = Request("mesh", host, 7000, "GET", "/", "", (), namespace, authority=host)
                found.append((await rig.ask(request, caller))[1].status)
    finally:
        await rig.hang_up()
    return found


# The rig's own marker must stay in sight of every namespace.
MARKER = "*/marker.example.com"


@pytest.mark.parametrize(
    ("sidecars", "expected"),
    [
        ([], [200, 200, 200, 200]),
        ([sidecar("./*", MARKER)], [200, 200, 200, 200]),
        ([sidecar("./shop.mesh.svc.cluster.local", MARKER)], [200, 502, 200, 200]),
        ([sidecar("mesh/cart.mesh.svc.cluster.local", MARKER, namespace="other")], [200, 200, 502, 200]),
        ([sidecar("./*", MARKER, namespace="other")], [200, 200, 502, 502]),
        ([sidecar("~/*", MARKER, namespace="other")], [200, 200, 502, 502]),
        ([sidecar("*/shop.mesh.svc.cluster.local", MARKER, namespace="istio-system")], [200, 502, 200, 502]),
        (
            [sidecar("mesh/*", MARKER), sidecar("./*", MARKER, namespace="istio-system")],
            [200, 200, 502, 502],
        ),
    ],
)
def test_a_namespace_calls_the_hosts_that_its_sidecar_names(
    rig: Rig, runner: asyncio.Runner, sidecars: list[Json], expected: list[int]
) -> None:
    assert runner.run(statuses(rig, *sidecars)) == expected


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"workloadSelector": {"labels": {"a b": "shop"}}}, "spec.workloadSelector.labels[a b]"),
        ({"egress": [{"hosts": []}]}, "spec.egress[0].hosts"),
        ({"egress": [{"hosts": ["shop"]}]}, "spec.egress[0].hosts[0]"),
        ({"egress": [{"hosts": ["./a b"]}]}, "spec.egress[0].hosts[0]"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(change: Json, path: str) -> None:
    body = sidecar("./*")
    with pytest.raises(Invalid) as caught:
        validate({**body, "spec": {**body["spec"], **change}})
    assert path in [error.path for error in caught.value.errors]
