"""What a user is told when Envoy cannot open a listener."""

import pytest

from mesh.control.listeners import blocked_listeners, why_blocked
from mesh.envoy.xds.resources import Kind
from mesh.resources.values.ref import Ref
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.snapshot import Snapshot

GATEWAY = Ref("networking.istio.io", "Gateway", "mesh", "door")
LISTENER = Listener("gateway-80", Role.GATEWAY, "127.0.0.1", 8080, table="t", origins=(GATEWAY,))


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("cannot bind: Address already in use", "127.0.0.1:8080 is in use by another program; stop that program or"),
        (
            "cannot bind: Permission denied",
            "this user may not listen at 127.0.0.1:8080; choose a port of 1024 or above",
        ),
        ("cannot bind: Cannot assign requested address", "127.0.0.1 is not an address of this machine"),
        (" something else ", "Envoy cannot listen at 127.0.0.1:8080: something else"),
    ],
)
def test_the_reason_says_what_to_do(reason: str, message: str) -> None:
    assert why_blocked(LISTENER, reason).startswith(message)


def test_only_listeners_that_the_snapshot_has_are_blocked_and_their_objects_are_named() -> None:
    snapshot = Snapshot(1, listeners={LISTENER.name: LISTENER})
    refused = {
        (Kind.LISTENER, LISTENER.name): "Address already in use",
        (Kind.LISTENER, "gone"): "Address already in use",
        (Kind.CLUSTER, LISTENER.name): "no",
    }
    blocked = blocked_listeners(refused, snapshot)
    assert list(blocked) == [LISTENER.name]
    assert blocked[LISTENER.name].resource == "listener gateway-80"
    assert blocked[LISTENER.name].origins == (GATEWAY,)
