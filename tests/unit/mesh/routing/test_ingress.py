"""Ingresses are served by the gateway, as Istio's ingress reads them."""

from typing import Any

import pytest

from mesh.resources.core.ingress import GROUP
from tests.support.objects import Body, body, pod, service
from tests.support.worlds import clusters, decided, snapshot

TABLE = "gateway|80"


def backend(service_name: str, **port: Any) -> Body:
    return {"service": {"name": service_name, "port": port or {"number": 7000}}}


def path(text: str, kind: str, to: str) -> Body:
    return {"path": text, "pathType": kind, "backend": backend(to)}


def ingress(name: str, *rules: tuple[str, list[Body]], **spec: Any) -> Body:
    listed: list[Body] = [{"host": host, "http": {"paths": paths}} for host, paths in rules]
    return body("Ingress", name, group=GROUP, rules=listed, **spec)


SERVICES = (service("shop"), service("api"), service("files"))


@pytest.mark.parametrize(
    ("kind", "text", "asked", "expected"),
    [
        ("Exact", "/a", "/a", ["shop"]),
        ("Exact", "/a", "/a/", []),
        ("Prefix", "/", "/anything", ["shop"]),
        ("Prefix", "/a", "/a", ["shop"]),
        ("Prefix", "/a/", "/a", ["shop"]),
        ("Prefix", "/a", "/a/b", ["shop"]),
        ("Prefix", "/a", "/ab", []),
        ("ImplementationSpecific", "/a", "/a", ["shop"]),
        ("ImplementationSpecific", "/a*", "/ab", ["shop"]),
        ("ImplementationSpecific", "", "/anything", ["shop"]),
    ],
)
def test_a_path_matches_as_its_type_says(kind: str, text: str, asked: str, expected: list[str]) -> None:
    snap = snapshot(*SERVICES, ingress("web", ("shop.example.com", [path(text, kind, "shop")])))
    assert clusters(decided(snap, "shop.example.com", path=asked, table=TABLE)) == expected


def test_the_longest_path_of_a_host_counts_over_all_ingresses_and_an_exact_one_first() -> None:
    first = ingress("a", ("shop.example.com", [path("/", "Prefix", "shop"), path("/api", "Prefix", "api")]))
    second = ingress("b", ("shop.example.com", [path("/api", "Exact", "files"), path("/api/v2", "Prefix", "files")]))
    snap = snapshot(*SERVICES, first, second)

    def to(asked: str) -> list[str]:
        return clusters(decided(snap, "shop.example.com", path=asked, table=TABLE))

    assert [to("/"), to("/api"), to("/api/x"), to("/api/v2/x")] == [["shop"], ["files"], ["api"], ["files"]]


def test_a_default_backend_takes_what_no_rule_takes() -> None:
    rules = ("shop.example.com", [path("/api", "Prefix", "api")])
    snap = snapshot(*SERVICES, ingress("web", rules, defaultBackend=backend("shop")))
    assert clusters(decided(snap, "shop.example.com", path="/other", table=TABLE)) == ["shop"]
    assert clusters(decided(snap, "*", path="/", table=TABLE)) == ["shop"]


def test_a_port_may_be_named() -> None:
    named = {"path": "/", "pathType": "Prefix", "backend": backend("shop", name="http")}
    snap = snapshot(*SERVICES, ingress("web", ("shop.example.com", [named])))
    assert clusters(decided(snap, "shop.example.com", table=TABLE)) == ["shop"]


@pytest.mark.parametrize(
    ("name", "classes", "is_served"),
    [
        ("", [], True),
        ("istio", [], True),
        ("nginx", [], False),
        ("own", [("own", "istio.io/ingress-controller", {})], True),
        ("istio", [("istio", "example.com/other", {})], False),
        ("", [("nginx", "k8s.io/ingress-nginx", {"ingressclass.kubernetes.io/is-default-class": "true"})], False),
    ],
)
def test_the_class_decides_whether_the_gateway_serves_it(
    name: str, classes: list[tuple[str, str, dict[str, str]]], is_served: bool
) -> None:
    objects = []
    for class_name, controller, annotations in classes:
        ingress_class = body("IngressClass", class_name, group=GROUP, controller=controller)
        ingress_class["metadata"]["annotations"] = annotations
        objects.append(ingress_class)
    spec = {"ingressClassName": name} if name else {}
    snap = snapshot(*SERVICES, *objects, ingress("web", ("", [path("/", "Prefix", "shop")]), **spec))
    assert (TABLE in snap.tables) is is_served


def test_a_refusal_of_what_was_made_of_an_ingress_is_told_to_the_ingress() -> None:
    snap = snapshot(*SERVICES, ingress("web", ("shop.example.com", [path("/", "Prefix", "shop")])))
    assert [ref.kind for ref in snap.listeners[TABLE].origins] == ["Ingress"]
    row = decided(snap, "shop.example.com", table=TABLE)
    assert row is not None
    assert [ref.name for ref in row.origins] == ["web"]


def test_without_a_certificate_nothing_listens_for_tls_and_plain_requests_are_served() -> None:
    tls = [{"hosts": ["shop.example.com"], "secretName": "cert"}]
    rules = ("shop.example.com", [path("/", "Prefix", "shop")])
    snap = snapshot(*SERVICES, pod("shop-1", "127.1.0.1", app="shop"), ingress("web", rules, tls=tls))
    assert "gateway|443" not in snap.listeners
    assert clusters(decided(snap, "shop.example.com", table=TABLE)) == ["shop"]
