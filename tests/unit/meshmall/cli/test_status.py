"""`meshmall status` names every rule that is not in force, whatever its kind."""

import pytest

from mesh.resources.kinds import REGISTRY
from mesh.resources.values.body import Body
from meshmall.cli.status import copies_line, network_line, rejections

REFUSED = {"type": "Programmed", "status": "False", "reason": "Rejected", "message": "Envoy refused it: no"}
IN_FORCE = {"type": "Programmed", "status": "True", "reason": "Acknowledged", "message": "Envoy has acknowledged it"}
DETACHED = {"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no listener takes it"}


def body(kind: str, status: Body) -> Body:
    return {"kind": kind, "metadata": {"namespace": "mesh", "name": "a"}, "status": status}


def test_every_kind_that_envoy_can_refuse_is_looked_at() -> None:
    kinds = {tuple(definition.group_kind) for definition in REGISTRY.refusable_kinds()}
    assert kinds >= {
        ("", "Service"),
        ("networking.istio.io", "Gateway"),
        ("networking.istio.io", "VirtualService"),
        ("networking.istio.io", "DestinationRule"),
        ("networking.istio.io", "ServiceEntry"),
        ("networking.istio.io", "Sidecar"),
        ("security.istio.io", "AuthorizationPolicy"),
        ("security.istio.io", "RequestAuthentication"),
        ("gateway.networking.k8s.io", "Gateway"),
        ("gateway.networking.k8s.io", "HTTPRoute"),
        ("gateway.networking.k8s.io", "GRPCRoute"),
    }


@pytest.mark.parametrize("kind", ["AuthorizationPolicy", "RequestAuthentication", "ServiceEntry", "Sidecar"])
def test_a_refused_rule_is_named_with_the_reason(kind: str) -> None:
    assert list(rejections(body(kind, {"conditions": [REFUSED]}))) == [f"{kind} mesh/a: Envoy refused it: no"]


def test_a_route_says_why_each_of_its_parents_does_not_serve_it() -> None:
    status = {"parents": [{"conditions": [DETACHED]}, {"conditions": [IN_FORCE]}, {"conditions": [REFUSED]}]}
    assert list(rejections(body("HTTPRoute", status))) == [
        "HTTPRoute mesh/a: no listener takes it",
        "HTTPRoute mesh/a: Envoy refused it: no",
    ]


def test_a_gateway_says_what_is_wrong_with_its_listeners_once() -> None:
    status = {"conditions": [REFUSED], "listeners": [{"conditions": [REFUSED]}, {"conditions": [DETACHED]}]}
    assert list(rejections(body("Gateway", status))) == [
        "Gateway mesh/a: Envoy refused it: no",
        "Gateway mesh/a: no listener takes it",
    ]


def test_a_rule_in_force_is_not_mentioned() -> None:
    assert not list(rejections(body("VirtualService", {"conditions": [IN_FORCE]})))
    assert not list(rejections({"kind": "Sidecar", "metadata": {"namespace": "mesh", "name": "a"}}))


def test_the_mode_of_the_network_is_one_line_with_what_it_lacks_and_how_to_get_the_other() -> None:
    assert network_line({"mode": "namespaces", "reason": "", "remedy": "", "lacks": ""}) == "namespaces"
    line = network_line({"mode": "loopback", "reason": "AppArmor", "remedy": "sysctl x=0", "lacks": "mounts"})
    assert line == "loopback (AppArmor); missing: mounts; to enable namespaces: sysctl x=0"


def test_the_space_of_copies_is_shown_and_shared_blocks_are_not_counted_twice() -> None:
    def branch(*stores: dict[str, object]) -> dict[str, object]:
        return {"status": {"data": list(stores)}}

    assert copies_line([{"status": {}}, {}]) == ""
    assert copies_line([branch({"bytes": 40_000_000})]) == "1 store of branches, 40 MB"
    mixed = [branch({"bytes": 40_000_000}, {"bytes": 2_000_000_000, "shared": True})]
    assert copies_line(mixed) == "2 stores of branches, 40 MB and 2.0 GB in blocks shared with the originals"
