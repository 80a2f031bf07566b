"""outboundTrafficPolicy: what a pod's call to a host gets that the mesh does not know."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.conformance.reference import Request
from tests.conformance.rig import Observed, Rig, istio
from tests.support.server import Server

Json = dict[str, Any]


def sidecar(mode: str, namespace: str = "mesh") -> Json:
    body = istio("Sidecar", "default", {"outboundTrafficPolicy": {"mode": mode}})
    return {**body, "metadata": {"name": "default", "namespace": namespace}}


async def called(
    rig: Rig, objects: list[Json], *hosts: str, any_host: bool = False, caller: str = "caller"
) -> list[Observed]:
    """What a pod's calls to hosts bring; the mesh's own setting is as `any_host` says."""
    before = rig.settings
    rig.settings = replace(before, any_host=any_host)
    await rig.apply([*rig.around(), *objects])
    try:
        namespace = "other" if caller == "stranger" else "mesh"
        asked = [Request("mesh", host, 80, "GET", "/x?a=1", "", (), namespace, authority=host) for host in hosts]
        return [(await rig.ask(item, caller))[1] for item in asked]
    finally:
        rig.settings = before
        await rig.hang_up()


def test_unknown_hosts_are_called_where_the_mesh_says_so(rig: Rig, runner: asyncio.Runner) -> None:
    host = f"{rig.addresses['cart']}:7000"
    (refused,) = runner.run(called(rig, [], host))
    assert (refused.status, refused.pod) == (502, "")
    passed, known, missing = runner.run(called(rig, [], host, "shop:7000", "no-such-host.invalid", any_host=True))
    assert (passed.pod, passed.sent["host"], passed.target) == ("cart", host, "/x?a=1")
    assert known.pod.startswith("shop")
    assert missing.status == 503


def test_a_name_is_looked_up_when_it_is_called(rig: Rig, runner: asyncio.Runner) -> None:
    async def by_name() -> Observed:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 207 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

        server = await Server.start(answer, "127.0.0.1")
        try:
            return (await called(rig, [], f"localhost:{server.port}", any_host=True))[0]
        finally:
            await server.stop()

    assert runner.run(by_name()).status == 207


@pytest.mark.parametrize(
    ("any_host", "sidecars", "expected"),
    [
        (False, [sidecar("ALLOW_ANY")], [200, 502]),
        (True, [sidecar("REGISTRY_ONLY")], [502, 200]),
        (False, [sidecar("ALLOW_ANY", "istio-system")], [200, 200]),
        (True, [sidecar("REGISTRY_ONLY", "istio-system"), sidecar("ALLOW_ANY", "other")], [502, 200]),
    ],
)
def test_a_sidecar_says_whether_unknown_hosts_are_called(
    rig: Rig, runner: asyncio.Runner, any_host: bool, sidecars: list[Json], expected: list[int]
) -> None:
    host = f"{rig.addresses['cart']}:7000"
    found = [
        runner.run(called(rig, sidecars, host, any_host=any_host, caller=caller))[0].status
        for caller in ("caller", "stranger")
    ]
    assert found == expected


def test_another_mode_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        validate(sidecar("ANY"))
    assert "spec.outboundTrafficPolicy.mode" in [error.path for error in caught.value.errors]
