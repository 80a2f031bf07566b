"""Clusters for what rules name and nothing declares: Envoy answers 503 there, and no route names a cluster in vain."""

from mesh.resources.values.ref import Ref
from tests.support.objects import body, pod, rule, service, to
from tests.support.worlds import snapshot

STOCK = "outbound|7000|v9|stock.mesh.svc.cluster.local"
NOBODY = "outbound|7000||nobody.mesh.svc.cluster.local"


def test_a_subset_that_no_rule_declares_has_no_endpoints() -> None:
    snap = snapshot(service("stock"), pod("stock-1", "127.9.0.1", app="stock"), rule("r", "stock", to("stock:v9")))
    assert snap.endpoints[STOCK] == ()
    assert snap.clusters[STOCK].origins == (Ref("", "Service", "mesh", "stock"),)


def test_a_missing_service_gets_its_share_of_the_requests() -> None:
    snap = snapshot(service("stock"), rule("r", "stock", to("stock", "nobody")))
    assert (snap.endpoints[NOBODY], snap.clusters[NOBODY].origins) == ((), ())


def test_what_no_row_names_has_no_cluster() -> None:
    """All destinations of the route are missing: it is answered without any."""
    assert NOBODY not in snapshot(service("stock"), rule("r", "stock", to("nobody"))).clusters


def test_bytes_to_a_service_that_is_missing_have_a_cluster_too() -> None:
    tcp = [{"route": [{"destination": {"host": "nobody", "port": {"number": 7000}}}]}]
    raw = service("db", port_name="tcp")
    raw["spec"]["clusterIP"] = "127.9.1.1"
    snap = snapshot(raw, body("VirtualService", "db", hosts=["db"], tcp=tcp))
    assert snap.listeners["clusterip|db.mesh.svc.cluster.local|7000"].cluster == NOBODY
    assert NOBODY in snap.clusters
