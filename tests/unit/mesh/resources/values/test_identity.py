"""Who a workload is, as Istio writes it."""

from mesh.resources.values.identity import principal, trust_domain


def test_a_principal_names_namespace_and_service_account() -> None:
    assert principal("mesh", "mall") == "cluster.local/ns/mesh/sa/mall"


def test_the_trust_domain_is_what_a_principal_begins_with() -> None:
    assert trust_domain(principal("mesh", "mall")) == "cluster.local"
    assert trust_domain("") == ""
