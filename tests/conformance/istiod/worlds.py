"""Drawn worlds, their requests, and what istiod is sent about both."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.conformance.drawing import GATEWAY, placed, requests, virtual_services
from tests.conformance.istiod import drawing_more as more
from tests.conformance.istiod.oracle import Proxy
from tests.conformance.reference import Request
from tests.conformance.rig import PODS, Rig

Json = dict[str, Any]
KUBERNETES = ("Service", "Pod", "EndpointSlice", "Namespace", "Secret")
GATEWAY_NAME = "gateway"
GATEWAY_NAMESPACE = "istio-system"


@dataclass(frozen=True, slots=True)
class World:
    """`objects` are the drawn ones; what is around them is the rig's. `kind` is what the world is drawn for.

    Whether several answers to one request are possible (`random`) decides how often it is made.
    """

    kind: str
    objects: Sequence[Json]
    requests: Sequence[Json]

    @property
    def random(self) -> bool:
        return any(_is_random(body) for body in self.objects)

    def recorded(self) -> Json:
        return {"kind": self.kind, "objects": self.objects, "requests": self.requests}


def _is_random(part: Any) -> bool:
    if isinstance(part, dict):
        shares = [item.get("weight", 1) for item in part.get("route", []) if isinstance(item, dict)]
        share = part.get("percentage")
        partly = isinstance(share, dict) and 0 < share.get("value", 0) < 100
        return partly or len([weight for weight in shares if weight]) > 1 or any(map(_is_random, part.values()))
    return isinstance(part, list) and any(map(_is_random, part))


@dataclass(frozen=True, slots=True)
class Kind:
    """How the objects and the requests of a kind of worlds are drawn, and how many requests a world gets.

    `what` says in words what is in such a world; `left_out` are kinds of the rig's own objects which such worlds go
    without.
    """

    what: str
    objects: st.SearchStrategy[list[Json]]
    requests: st.SearchStrategy[Json]
    per_world: int = 8
    left_out: tuple[str, ...] = ()


API_HOSTS = ("api.example.com", "www.example.com")
KINDS: Mapping[str, Kind] = {
    "virtual services": Kind(
        "one VirtualService or two, in the mesh, at a gateway or both, delegates, all features of routes",
        virtual_services(),
        requests(),
        16,
    ),
    "destination rules": Kind(
        "DestinationRules of several namespaces, hosts, `exportTo` and selectors for one Service",
        more.destination_rules(),
        more.requests(more.FULL, "api.example.com"),
        left_out=("DestinationRule",),
    ),
    "competing rules": Kind(
        "several VirtualServices for hosts that overlap: namespaces, `exportTo`, wildcards, callers, ports",
        more.competing_rules(),
        more.requests(more.FULL, "shop", *API_HOSTS),
    ),
    "gateways": Kind(
        "Gateways with hosts that overlap and limit namespaces, clients that name ports",
        more.gateways(),
        more.requests("a.example.com", "b.example.com", "x.b.example.com", "other.org", ports=(80, 0, 9999)),
    ),
    "ports": Kind(
        "Services whose ports are named for all protocols, with and without rules",
        more.ports(),
        more.requests("many", "many.mesh.svc.cluster.local", ports=(7001, 7002, 7003)),
    ),
    "service entries": Kind(
        "ServiceEntries with listed endpoints, several for one host, and rules for them",
        more.service_entries(),
        more.requests("ext.example.com", "api.example.com", ports=(7000, 80)),
    ),
    "sidecars": Kind(
        "Sidecars beside competing rules", more.sidecars(), more.requests(more.FULL, "cart.mesh.svc.cluster.local")
    ),
}


def draw(kind: str, count: int, number: int) -> list[World]:
    """So many worlds of a kind; the same number draws the same."""
    strategy = KINDS[kind]
    worlds: list[World] = []

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        phases=(Phase.generate,),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        objects=strategy.objects,
        asked=st.lists(strategy.requests, min_size=strategy.per_world, max_size=strategy.per_world),
    )
    def collect(objects: list[Json], asked: list[Json]) -> None:
        worlds.append(World(kind, json.loads(json.dumps(objects)), asked))

    collect()
    return worlds


def around(rig: Rig, world: World) -> list[Json]:
    """Every object of a world."""
    left_out = KINDS[world.kind].left_out
    drawn = (_placed_pods(body, rig.addresses) for body in world.objects)
    return [*(body for body in rig.around() if body["kind"] not in left_out), *drawn]


def _placed_pods(part: Any, addresses: Mapping[str, str]) -> Any:
    """Pods' addresses in place of "@" and their names: every rig has others."""
    if isinstance(part, dict):
        return {name: _placed_pods(value, addresses) for name, value in part.items()}
    if isinstance(part, list):
        return [_placed_pods(value, addresses) for value in part]
    return addresses[part[1:]] if isinstance(part, str) and part.startswith("@") and part[1:] in addresses else part


def request_of(drawn: Json, port: int) -> tuple[Request, str]:
    """The request as it is made at its place, and by which proxy."""
    caller = drawn["caller"]
    proxy = GATEWAY_NAME if caller == GATEWAY else caller
    return placed(drawn, port) if "port" not in drawn else _placed(drawn, port), proxy


def _placed(drawn: Json, arrived: int) -> Request:
    """A request that names its port: in the mesh that of a Service, at the gateway what the client writes (0: none)."""
    at_gateway = drawn["caller"] == GATEWAY
    host, port = drawn["host"], drawn["port"]
    written = arrived if at_gateway and port == 80 else port
    return Request(
        place=GATEWAY if at_gateway else "mesh",
        host=host,
        port=80 if at_gateway else port,
        method=drawn["method"],
        path=drawn["path"],
        query=drawn["query"],
        headers=tuple((name, value) for name, value in drawn["headers"]),
        namespace="other" if drawn["caller"] == "stranger" else "mesh",
        labels={} if at_gateway else {"app": drawn["caller"]},
        authority=f"{host}:{written}" if port else host,
        arrived=arrived if at_gateway else port,
    )


def proxies(rig: Rig) -> list[Proxy]:
    return [
        Proxy("caller", "mesh", rig.addresses["caller"], {"app": "caller"}),
        Proxy("stranger", "other", rig.addresses["stranger"], {"app": "stranger"}),
        Proxy(
            GATEWAY_NAME,
            GATEWAY_NAMESPACE,
            rig.settings.gateway_address,
            {"istio": "ingressgateway"},
            gateway=True,
        ),
    ]


def told(rig: Rig, objects: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """What istiod is sent: Kubernetes' objects with the endpoints that a cluster would add, and Istio's own, each a
    second younger than the one before it."""
    kubernetes: list[Json] = []
    istio: list[Json] = []
    for age, body in enumerate(objects):
        if body["kind"] not in KUBERNETES:
            stamp = {"creationTimestamp": f"2026-01-01T00:00:{age:02d}Z"}
            istio.append({**body, "metadata": {**body["metadata"], **stamp}})
        elif body["kind"] == "Service":
            kubernetes += _service(rig, body, age)
        elif body["kind"] == "Pod":
            status = {**body["status"], "podIPs": [{"ip": body["status"]["podIP"]}]}
            kubernetes.append({**body, "status": status})
        else:
            kubernetes.append(body)
    return kubernetes, istio


def cluster_ip(number: int) -> str:
    return f"10.96.0.{number + 10}"


def _service(rig: Rig, body: Json, number: int) -> Iterator[Json]:
    meta, spec = body["metadata"], body["spec"]
    ip = spec.get("clusterIP") or cluster_ip(number)
    yield {**body, "spec": {**spec, "clusterIP": ip, "clusterIPs": [ip]}}
    selector = spec.get("selector")
    if not selector:
        return
    endpoints = [
        {
            "addresses": [rig.addresses[name]],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": name, "namespace": namespace},
        }
        for name, namespace, labels in PODS
        if namespace == meta["namespace"] and selector.items() <= labels.items()
    ]
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {"kubernetes.io/service-name": meta["name"]},
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": port["name"], "port": port.get("targetPort", port["port"])} for port in spec["ports"]],
    }
