"""Another control plane takes over an Envoy that runs: nothing is told twice, nobody notices."""

from pathlib import Path

from mesh.envoy.ads import EMPTY, AdsServer
from mesh.envoy.bootstrap import XDS_SOCKET
from mesh.envoy.plan import plan
from mesh.envoy.process import EnvoyProcess
from mesh.envoy.resources import Encoder
from mesh.routing.table import Respond
from tests.mesh.envoy.snapshots.conftest import Place, ask, listener, row, snapshot, table


async def test_envoy_goes_on_under_a_second_control_plane(home: Path, place: Place) -> None:
    (home / "run").mkdir()
    first, second, process = AdsServer(), AdsServer(), EnvoyProcess(home, 1)
    doors = {name: listener(place, name=name) for name in ("one", "two")}
    both = snapshot(doors, [table(row(Respond(201)))], {"all": []})
    resources = Encoder().encode(both)
    try:
        await first.start(home / "run" / XDS_SOCKET)
        await process.start()
        await first.carry_out(plan(EMPTY, resources), resources, whole=True)
        await first.stop()
        assert (await ask(doors["one"].address, doors["one"].port)).status == 201

        # What the second holds differs in one listener that is gone and in the answer.
        changed = Encoder().encode(snapshot([doors["one"]], [table(row(Respond(202)))], {"all": []}))
        await second.start(home / "run" / XDS_SOCKET)
        await second.carry_out(plan(EMPTY, changed), changed, whole=True)
        assert second.connected
        assert (await ask(doors["one"].address, doors["one"].port)).status == 202
        stats = await process.admin.json(
            "/stats?format=json&filter=listener_manager.(lds|listener_modified|total.*act)"
        )
        held = {each["name"]: each["value"] for each in stats["stats"] if "value" in each}
        assert held["listener_manager.listener_modified"] == 0
        assert held["listener_manager.total_listeners_active"] == 1
        await second.carry_out(plan(changed, resources), resources, whole=True)
        assert (await ask(doors["two"].address, doors["two"].port)).status == 201
    finally:
        await process.stop()
        await first.stop()
        await second.stop()
