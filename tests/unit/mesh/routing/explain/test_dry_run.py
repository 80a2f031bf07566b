"""The dry run of a request: what a person reads. That it decides as Envoy does is held in tests/conformance."""

import base64
from typing import Any

import pytest

from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.explain.dry_run import explain
from mesh.routing.explain.request import CannotTell
from mesh.routing.network import NamespaceNetwork
from mesh.routing.world import MeshSettings, World
from tests.support.objects import body, cookie, pod, rule, service, to
from tests.support.worlds import snapshot, typed

FOX = "cookie: user=fox"


def shop(*rules: Any) -> Any:
    door = body(
        "Gateway",
        "door",
        selector={"istio": "ingressgateway"},
        servers=[{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    )
    pods = [
        pod("products-1", "127.9.0.1", app="products", version="v1"),
        pod("products-fox-1", "127.9.0.2", app="products-fox"),
        pod("mall-1", "127.9.0.3", app="mall", version="v1"),
    ]
    return snapshot(service("products"), service("products-fox"), service("mall"), door, *pods, *rules)


RULE = rule(
    "products",
    "products",
    to("products-fox", match=[cookie("fox")], name="fox"),
    to("products", match=[{"uri": {"prefix": "/products"}}], name="list", timeout="3s"),
)


def asked(snap: Any, url: str, *headers: tuple[str, str], caller: str = "mall") -> dict[str, Any]:
    pairs = [list(pair) for pair in headers]
    return explain(snap, {"url": url, "from": caller, "namespace": "mesh", "headers": pairs})


def test_the_row_that_takes_a_request_its_reason_and_the_pods() -> None:
    found = asked(shop(RULE), "http://products:7000/products?ids=1", ("Cookie", "a=b; user=fox"))
    assert found["rows"] == [
        {"name": "mesh/products[fox]", "taken": True, "why": r"cookie matches ^(.*;\s*)?user=fox(;.*)?$"}
    ]
    (destination,) = found["destinations"]
    assert destination["cluster"] == "outbound|7000||products-fox.mesh.svc.cluster.local"
    assert (destination["percent"], destination["pods"]) == (100.0, ["mesh/products-fox-1 127.9.0.2:7000"])


def test_why_the_earlier_rows_did_not_take_it() -> None:
    found = asked(shop(RULE), "http://products:7000/products", ("cookie", "user=xx"))
    assert [(row["taken"], row["why"]) for row in found["rows"]] == [
        (False, r'header cookie "user=xx" does not match ^(.*;\s*)?user=fox(;.*)?$'),
        (True, "path begins with /products"),
    ]
    assert "timeout 3 s" in found["also"]


def test_no_row_is_404_and_an_unknown_host_says_so() -> None:
    found = asked(shop(RULE), "http://products:7000/")
    assert (found["does"], found["status"], found["rows"][0]["why"]) == ("respond", 404, "header cookie is missing")
    unknown = asked(shop(RULE), "http://nobody:7000/")
    assert (unknown["host"], unknown["status"]) == ("unknown", 502)


def test_a_request_that_comes_in_by_the_gateway() -> None:
    bound = rule("mall", "*", to("mall"), gateways=["door"])
    for url in ("http://shop.example.com/", "http://127.0.0.1:8080/"):
        found = asked(shop(bound), url, caller="")
        assert (found["from"], found["destinations"][0]["pods"]) == ("gateway|80", ["mesh/mall-1 127.9.0.3:7000"])


def test_https_asks_the_gateway_s_port_for_it() -> None:
    bound = rule("mall", "*", to("mall", match=[{"scheme": {"exact": "https"}}]), gateways=["door"])
    with pytest.raises(CannotTell, match="no gateway serves port 443"):
        asked(shop(bound), "https://shop.example.com/", caller="")
    plain = asked(shop(bound), "http://shop.example.com/", caller="")
    assert plain["rows"][0]["why"] == 'scheme "http" is not "https"'


def test_who_calls_decides_where_a_rule_asks_for_it() -> None:
    source = rule("r", "products", to("products-fox", match=[{"sourceLabels": {"app": "mall"}}]), to("products"))
    assert "products-fox" in asked(shop(source), "http://products:7000/")["destinations"][0]["cluster"]
    other = asked(shop(source), "http://products:7000/", caller="products-1")
    assert other["rows"][0]["why"] == 'the caller\'s label app is "products", not "mall"'


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"url": "products"}, "is not a URL"),
        ({"url": "http://products:7000/", "from": "nobody"}, r'no pod is named "nobody" .*products-1'),
        ({"url": "http://products:9/"}, "no gateway serves port 9"),
        ({"url": "http://products:99999/"}, "(?i)port"),
        ({"url": "http://products:7000/", "headers": ["x"]}, r"must be \[name, value\]"),
        ({}, "the question must be"),
    ],
)
def test_a_wrong_question_is_told(question: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotTell, match=says):
        explain(shop(RULE), {"namespace": "mesh", **question})


def test_what_is_asked_of_tokens_is_told() -> None:
    keys = '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'
    group = "security.istio.io"
    tokens = body("RequestAuthentication", "tokens", group=group, jwtRules=[{"issuer": "people", "jwks": keys}])
    rules = [{"from": [{"source": {"requestPrincipals": ["people/fox"]}}]}]
    must = body("AuthorizationPolicy", "must", group=group, rules=rules)
    held = shop(RULE, tokens, must)
    url = "http://products:7000/products"
    told = "a token, if sent or required, must be valid (mesh/tokens[0]); otherwise 401"
    without = asked(held, url)
    assert told in without["also"]
    assert without["also"][0] == "an AuthorizationPolicy denies it: 403"
    said = base64.urlsafe_b64encode(b'{"iss": "people", "sub": "fox"}').decode().rstrip("=")
    found = asked(held, url, ("Authorization", f"Bearer e30.{said}.c2ln"))
    assert found["also"][:2] == ["its token is assumed to be valid; Envoy checks it", told]


def test_with_network_namespaces_the_address_of_a_service_and_a_pods_own_lead_somewhere() -> None:
    products = service("products")
    products["spec"]["clusterIP"] = "10.96.0.9"
    bodies = (products, service("products-fox"), RULE, pod("mall-1", "10.244.0.3", app="mall"))
    world = World.build(1, [typed(each, age) for age, each in enumerate(bodies)])
    snap = compile(world, MeshSettings(network=NamespaceNetwork()))

    by_address = asked(snap, "http://10.96.0.9:7000/", ("host", "shop.example.com"), ("cookie", "user=fox"))
    assert [row["name"] for row in by_address["rows"]] == ["mesh/products[fox]"]
    direct = asked(snap, "http://10.244.0.7:8080/")
    assert [(row["name"], row["taken"]) for row in direct["rows"]] == [("outside", False), ("pod", True)]
    assert asked(snap, "http://example.com/")["rows"][-1]["name"] == "unknown host"
