"""What the Gateway API's objects show of themselves, once a real Envoy has them."""

from typing import Any

from mesh.resources.gateway_api.types import GROUP
from tests.support.objects import Body, body, ref_of, rule, service, to
from tests.support.programmed import Plane


def api(kind: str, name: str, **spec: Any) -> Body:
    return body(kind, name, group=GROUP, **spec)


def listener(name: str, port: int = 80, protocol: str = "HTTP", **more: Any) -> Body:
    return {"name": name, "port": port, "protocol": protocol, **more}


def gateway(*listeners: Body, name: str = "door") -> Body:
    return api("Gateway", name, gatewayClassName="meshmall", listeners=list(listeners))


def route(name: str, *backends: str, parents: list[Body] | None = None, **more: Any) -> Body:
    refs = [{"name": backend, "port": 7000} for backend in backends]
    return api("HTTPRoute", name, parentRefs=parents or [{"name": "door"}], rules=[{"backendRefs": refs}], **more)


def shown(plane: Plane, of: Body) -> Any:
    stored = plane.store.get(ref_of(of))
    assert stored is not None
    return stored.body.get("status", {})


def said(conditions: list[Body]) -> dict[str, tuple[str, str]]:
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in conditions}


def of_parent(plane: Plane, made: Body, number: int = 0) -> dict[str, tuple[str, str]]:
    return said(shown(plane, made)["parents"][number]["conditions"])


async def test_a_class_of_ours_is_accepted_and_another_controllers_is_left_alone(plane: Plane) -> None:
    ours = api("GatewayClass", "ours", controllerName="meshmall.dev/gateway-controller")
    theirs = api("GatewayClass", "theirs", controllerName="example.com/other")
    foreign = api("Gateway", "foreign", gatewayClassName="theirs", listeners=[listener("http")])
    await plane.apply(ours, theirs, foreign)
    assert said(shown(plane, ours)["conditions"]) == {"Accepted": ("True", "Accepted")}
    assert {"name": "HTTPRoute"} in shown(plane, ours)["supportedFeatures"]
    assert shown(plane, theirs) == shown(plane, foreign) == {}


async def test_a_gateway_shows_its_address_its_listeners_and_how_many_routes_they_have(plane: Plane) -> None:
    base = await plane.backend("base", app="shop")
    door = gateway(listener("http"), listener("narrow", hostname="*.example.com"))
    made = route("a", "shop", hostnames=["a.example.com"])
    await plane.apply(service("shop"), base, door, made, route("b", "shop", hostnames=["b.org"]))
    status = shown(plane, door)
    assert status["addresses"] == [{"type": "IPAddress", "value": plane.address}]
    assert said(status["conditions"]) == {"Accepted": ("True", "Accepted"), "Programmed": ("True", "Programmed")}
    assert {item["name"]: item["attachedRoutes"] for item in status["listeners"]} == {"http": 2, "narrow": 1}
    good = {
        "Accepted": ("True", "Accepted"),
        "Programmed": ("True", "Programmed"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Conflicted": ("False", "NoConflicts"),
    }
    assert all(said(item["conditions"]) == good for item in status["listeners"])
    assert status["listeners"][0]["supportedKinds"] == [{"group": GROUP, "kind": k} for k in ("HTTPRoute", "GRPCRoute")]
    parent = shown(plane, made)["parents"][0]
    assert parent["parentRef"] == {"group": GROUP, "kind": "Gateway", "name": "door"}
    assert parent["controllerName"] == "meshmall.dev/gateway-controller"
    assert said(parent["conditions"]) == {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
    assert {condition["observedGeneration"] for condition in parent["conditions"]} == {1}
    assert (await plane.enter("a.example.com")).body.startswith("base\n")
    await plane.apply(route("a", "shop", hostnames=["c.example.com"]))
    parent = shown(plane, made)["parents"][0]
    assert {condition["observedGeneration"] for condition in parent["conditions"]} == {2}


async def test_conflicts_and_what_is_not_served_are_told_by_each_listener(plane: Plane) -> None:
    tls = {"certificateRefs": [{"name": "nix"}]}
    door = gateway(
        listener("plain", 8081),
        listener("encrypted", 8081, "HTTPS", tls=tls),
        listener("secret", 443, "HTTPS", tls=tls),
        listener("raw", 9000, "SCTP"),
        listener("kinds", 8082, allowedRoutes={"kinds": [{"kind": "TCPRoute"}]}),
    )
    await plane.apply(door)
    status = shown(plane, door)
    told = {item["name"]: said(item["conditions"]) for item in status["listeners"]}
    assert told["plain"]["Conflicted"] == told["encrypted"]["Conflicted"] == ("True", "ProtocolConflict")
    assert told["secret"]["ResolvedRefs"] == ("False", "InvalidCertificateRef")
    assert told["secret"]["Programmed"] == ("False", "Invalid")
    assert told["raw"]["Accepted"] == ("False", "UnsupportedProtocol")
    assert told["kinds"]["ResolvedRefs"] == ("False", "InvalidRouteKinds")
    assert said(status["conditions"])["Accepted"] == ("True", "ListenersNotValid")


async def test_a_route_that_is_not_attached_says_why(plane: Plane) -> None:
    base = await plane.backend("base", app="shop")
    door = gateway(listener("http", hostname="*.example.com"))
    elsewhere = body(
        "HTTPRoute", "far", "other", GROUP, parentRefs=[{"name": "door", "namespace": "mesh"}], rules=[{}]
    )  # fmt: skip
    routes = {
        "NoMatchingListenerHostname": route("host", "shop", hostnames=["b.org"]),
        "NoMatchingParent": route("section", "shop", parents=[{"name": "door", "sectionName": "https"}]),
        "NotAllowedByListeners": elsewhere,
    }
    await plane.apply(service("shop"), base, door, *routes.values())
    for reason, made in routes.items():
        assert of_parent(plane, made)["Accepted"] == ("False", reason)
    assert shown(plane, door)["listeners"][0]["attachedRoutes"] == 0


async def test_a_backend_that_cannot_be_used_is_told_and_is_taken_once_it_is_there(plane: Plane) -> None:
    base = await plane.backend("base", app="shop")
    door, made = gateway(listener("http")), route("a", "shop")
    kinds = api("HTTPRoute", "kinds", parentRefs=[{"name": "door"}], hostnames=["k.org"], rules=[
        {"backendRefs": [{"group": "example.com", "kind": "Bucket", "name": "b"}]}
    ])  # fmt: skip
    foreign = api("HTTPRoute", "foreign", parentRefs=[{"name": "door"}], hostnames=["f.org"], rules=[
        {"backendRefs": [{"name": "x", "namespace": "other", "port": 7000}]}
    ])  # fmt: skip
    await plane.apply(base, door, made, kinds, foreign)
    assert of_parent(plane, made)["ResolvedRefs"] == ("False", "BackendNotFound")
    assert of_parent(plane, kinds)["ResolvedRefs"] == ("False", "InvalidKind")
    assert of_parent(plane, foreign)["ResolvedRefs"] == ("False", "RefNotPermitted")
    assert (await plane.enter()).status == 500
    await plane.apply(service("shop"))
    assert of_parent(plane, made)["ResolvedRefs"] == ("True", "ResolvedRefs")
    assert (await plane.enter()).body.startswith("base\n")


async def test_a_route_for_a_service_that_has_a_virtual_service_is_told_so(plane: Plane) -> None:
    base = await plane.backend("base", app="shop")
    parents = [{"group": "", "kind": "Service", "name": "shop"}, {"group": "", "kind": "Service", "name": "nix"}]
    made = route("a", "shop", parents=parents)
    await plane.apply(service("shop"), base, made)
    assert of_parent(plane, made)["Conflicted"] == ("False", "NoConflicts")
    assert of_parent(plane, made, 1)["Accepted"] == ("False", "NoMatchingParent")
    await plane.apply(rule("shop", "shop", to("shop")))
    assert of_parent(plane, made)["Conflicted"] == ("True", "VirtualServiceComesFirst")


async def test_what_envoy_refuses_of_a_route_leaves_the_last_state_in_force(plane: Plane) -> None:
    base = await plane.backend("base", app="shop")
    door, made = gateway(listener("http")), route("a", "shop")
    await plane.apply(service("shop"), base, door, made)
    matches = [{"path": {"type": "RegularExpression", "value": r"/\pZ{1,2}\C"}}, {"path": {"value": "/x"}}]
    headers = [{"name": "x", "value": "(?P<a>b", "type": "RegularExpression"}]
    bad = {**made, "spec": {**made["spec"], "rules": [{"matches": [*matches, {"headers": headers}]}]}}
    ended = await plane.apply(bad)
    assert [str(item.origins[0]) for item in ended.rejected] == [str(ref_of(made))]
    assert of_parent(plane, made)["Programmed"] == ("False", "Invalid")
    assert (await plane.enter()).body.startswith("base\n")
