"""Where Gateways listen: one address each, kept, and never one that is not theirs."""

from dataclasses import replace
from typing import Any

from mesh.resources.gateway_api.types import Gateway
from mesh.routing.gateway_api.addresses import Placement, placements
from mesh.routing.world import MeshSettings
from tests.support.worlds import typed

SETTINGS = MeshSettings(gateway_subnet="127.40.254")


def gateway(name: str, *addresses: dict[str, str], has: str = "", port: int = 80) -> Gateway:
    body: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {
            "gatewayClassName": "meshmall",
            "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}],
            "addresses": list(addresses),
        },
    }
    if has:
        body["status"] = {"addresses": [{"value": has}]}
    made = typed(body)
    assert isinstance(made, Gateway)
    return made


def placed(*gateways: Gateway, opened: frozenset[int] = frozenset()) -> list[Placement]:
    places = placements(gateways, opened, SETTINGS)
    return [places["mesh", item.metadata.name] for item in gateways]


def test_the_oldest_has_the_mesh_s_own_address_and_its_ports() -> None:
    first, second = placed(gateway("a"), gateway("b"))
    assert (first.addresses, first.port(80)) == (("127.0.0.1",), 8080)
    assert second.addresses[0].startswith("127.40.254.")
    assert second.port(80) == 80
    assert placed(gateway("b"), gateway("a"))[0].addresses == ("127.0.0.1",)


def test_ports_of_80_are_the_defaults_where_a_user_may_not_listen_there() -> None:
    settings = replace(SETTINGS, own_ports={80: 8080})
    places = placements([gateway("a"), gateway("b")], frozenset(), settings)
    assert places["mesh", "b"].port(80) == 8080


def test_istio_s_gateways_are_not_joined() -> None:
    (alone,) = placed(gateway("a"), opened=frozenset({8080}))
    assert alone.addresses[0].startswith("127.40.254.")
    (beside,) = placed(gateway("a", port=90), opened=frozenset({8080}))
    assert beside.addresses == ("127.0.0.1",)


def test_an_address_is_kept_whatever_comes_and_goes() -> None:
    own = "127.40.254.9"
    assert placed(gateway("b", has=own))[0].addresses == (own,)
    older, younger = placed(gateway("a"), gateway("b", has="127.0.0.1"))
    assert younger.addresses == ("127.0.0.1",)
    assert older.addresses != younger.addresses
    # Of another mesh, before a restart.
    assert placed(gateway("b", has="127.17.254.9"))[0].addresses == ("127.0.0.1",)


def test_many_gateways_have_an_address_each_until_none_is_free() -> None:
    places = placed(*(gateway(f"g{number}") for number in range(252)))
    addresses = [place.addresses for place in places if place.addresses]
    assert len(set(addresses)) == len(addresses) == 251
    assert [place.unusable.reason for place in places if place.unusable] == ["AddressNotAssigned"]


def test_addresses_that_are_asked_for() -> None:
    def one(address: str, kind: str = "IPAddress") -> Placement:
        return placed(gateway("a", {"type": kind, "value": address}))[0]

    assert one("127.0.7.7").addresses == ("127.0.7.7",)
    assert one("127.0.0.1").is_shared
    for address in ("192.0.2.7", "::1", "no", "127.40.1.1"):
        unusable = one(address).unusable
        assert unusable is not None
        assert unusable.reason == "AddressNotUsable"
    unsupported = one("a.example.com", "Hostname").unsupported
    assert unsupported is not None
    assert unsupported.reason == "UnsupportedAddress"


def test_an_address_belongs_to_the_older_of_two() -> None:
    address = {"type": "IPAddress", "value": "127.0.7.7"}
    older, younger = placed(gateway("a", address), gateway("b", address))
    assert older.addresses == ("127.0.7.7",)
    assert younger.unusable is not None
    assert "belongs to Gateway mesh/a" in younger.unusable.message
