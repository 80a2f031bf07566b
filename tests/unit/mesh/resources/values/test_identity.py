"""Who a workload is, as Istio writes it."""

from mesh.resources.values.identity import principal


def test_a_principal_names_namespace_and_service_account() -> None:
    assert principal("mesh", "mall") == "cluster.local/ns/mesh/sa/mall"
