"""Which hosts a namespace's table has, and under which domains."""

from collections import Counter

from tests.support.objects import body, rule, service, to
from tests.support.worlds import snapshot


def test_a_service_is_called_by_every_short_form_of_its_name() -> None:
    snap = snapshot(service("stock", port=80), service("cart", namespace="other"))
    own = next(host for host in snap.tables["outbound|mesh"].hosts if host.name.startswith("stock."))
    full = "stock.mesh.svc.cluster.local"
    names = ("stock", "stock.mesh", "stock.mesh.svc", full)
    assert own.domains == (*(f"{name}:80" for name in names), *names)
    elsewhere = next(host for host in snap.tables["outbound|other"].hosts if host.name.startswith("stock."))
    assert "stock" not in elsewhere.domains


def test_no_domain_is_in_a_table_twice() -> None:
    """Envoy would refuse the table: a Service wins over a ServiceEntry, and that over a rule for the same host."""
    host = "stock.mesh.svc.cluster.local"
    ports = [{"number": 7000, "name": "http", "protocol": "HTTP"}]
    entry = body("ServiceEntry", "stock", hosts=[host, "api.example.com"], ports=ports, resolution="DNS")
    rules = [rule("a", "api.example.com", to("stock")), rule("b", "*.example.com", to("stock"))]
    snap = snapshot(service("stock"), entry, *rules)
    domains = Counter(domain for item in snap.tables["outbound|mesh"].hosts for domain in item.domains)
    assert [domain for domain, count in domains.items() if count > 1] == []
    assert {"stock:7000", "api.example.com:7000", "*.example.com", "*"} <= domains.keys()


def test_the_rows_of_the_oldest_rule_count_alone() -> None:
    first = rule("first", "stock", to("stock", name="rest"))
    second = rule("second", "stock", to("stock", name="new", match=[{"uri": {"prefix": "/new"}}]))
    snap = snapshot(service("stock"), first, second)
    host = next(host for host in snap.tables["outbound|mesh"].hosts if host.name.startswith("stock."))
    assert [row.name for row in host.routes] == ["mesh/first[rest]"]


def test_where_the_first_rule_has_no_row_for_a_caller_the_next_one_counts() -> None:
    """Labels are compared by Envoy: those that the first rule is for get 404 where none of its rows holds."""
    shop = {"sourceLabels": {"app": "shop"}}
    first = rule("first", "stock", to("stock", name="new", match=[{"uri": {"prefix": "/new"}, **shop}]))
    elsewhere = rule("elsewhere", "stock", to("stock", name="other", match=[{"sourceNamespace": "other"}]))
    snap = snapshot(service("stock"), elsewhere, first)
    host = next(host for host in snap.tables["outbound|mesh"].hosts if host.name.startswith("stock."))
    rows = [(row.name, row.match.source_labels) for row in host.routes]
    labels = (("app", "shop"),)
    assert rows == [("mesh/first[new]", labels), ("mesh/first[no route]", labels), ("default", ())]
