"""What the pods of a namespace can call, by the Sidecars that there are."""

from typing import Any

import msgspec

from mesh.resources.istio.sidecar import Sidecar
from mesh.routing.egress import Egress


def sidecar(namespace: str, *hosts: str, mode: str = "") -> Sidecar:
    spec: dict[str, Any] = {"egress": [{"hosts": list(hosts)}]} if hosts else {}
    if mode:
        spec["outboundTrafficPolicy"] = {"mode": mode}
    metadata = {"name": "default", "namespace": namespace}
    raw = {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": metadata, "spec": spec}
    return msgspec.convert(raw, Sidecar)


def test_without_a_sidecar_everything_is_seen() -> None:
    assert Egress([]).sees("mesh", "any.example.com", "other")


def test_hosts_are_seen_by_namespace_and_pattern() -> None:
    egress = Egress([sidecar("mesh", "./*", "*/*.example.com", "shop/orders.shop.svc.cluster.local")])
    assert egress.sees("mesh", "products.mesh.svc.cluster.local", "mesh")
    assert not egress.sees("mesh", "products.other.svc.cluster.local", "other")
    assert egress.sees("mesh", "api.example.com", "other")
    assert egress.sees("mesh", "orders.shop.svc.cluster.local", "shop")
    assert not egress.sees("mesh", "orders.shop.svc.cluster.local", "other")


def test_the_namespace_s_own_sidecar_wins_over_that_of_the_root_and_the_oldest_over_the_others() -> None:
    egress = Egress([sidecar("istio-system", "*/root.com"), sidecar("mesh", "*/old.com"), sidecar("mesh", "*/new.com")])
    assert egress.sees("mesh", "old.com", "x")
    assert not egress.sees("mesh", "new.com", "x")
    assert egress.sees("other", "root.com", "x")
    assert not egress.sees("other", "old.com", "x")


def test_unknown_hosts_are_called_where_a_policy_or_the_mesh_allows_it() -> None:
    assert Egress([], any_host=True).calls_any_host("mesh")
    egress = Egress([sidecar("istio-system", mode="ALLOW_ANY"), sidecar("mesh", mode="REGISTRY_ONLY")])
    assert egress.calls_any_host("other")
    assert not egress.calls_any_host("mesh")
