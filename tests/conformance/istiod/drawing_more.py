"""Draws worlds of other kinds than one VirtualService: which rule counts, for whom, at which port.

Most routes answer by themselves with their rule's name, so that one look says which rule it was.
"""

from typing import Any

from hypothesis import strategies as st

from tests.conformance.drawing import GATEWAY, one_of, present, rule
from tests.conformance.rig import MARKER

Json = dict[str, Any]
FULL = "shop.mesh.svc.cluster.local"
NAMESPACES = ("mesh", "mesh", "other", "istio-system", "third")
EXPORTS = (None, None, None, ["."], ["*"], ["other"], ["mesh", "other"], ["istio-system"])
PATHS = ("/", "/a", "/a/b")


def made(kind: str, name: str, namespace: str, spec: Json, group: str = "networking.istio.io/v1") -> Json:
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": present(spec),
    }


def exports(draw: st.DrawFn, namespace: str, *, selected: bool = False) -> list[str] | None:
    """Without an entry for the object's own namespace by its name beside ".", which Istio refuses as a duplicate."""
    chosen: list[str] | None = draw(one_of(None, ["."]) if selected else one_of(*EXPORTS))
    return chosen


def requests(*hosts: str, ports: tuple[int, ...] = (7000,)) -> st.SearchStrategy[Json]:
    """Requests by pods of two namespaces and at the gateway; a gateway's client may name another port."""
    return st.fixed_dictionaries(
        {
            "caller": one_of("caller", "stranger", GATEWAY),
            "host": one_of(*hosts),
            "port": one_of(*ports),
            "method": st.just("GET"),
            "path": one_of(*PATHS),
            "query": st.just(""),
            "headers": one_of((), (("x-one", "1"),)),
        }
    )


@st.composite
def destination_rules(draw: st.DrawFn) -> list[Json]:
    """Rules that say what the subset `pick` of a Service is, in several namespaces, for several hosts."""
    objects = []
    for number in range(draw(st.integers(1, 4))):
        namespace = draw(one_of(*NAMESPACES))
        selected = draw(one_of(False, False, False, True))
        subset = {"name": "pick", "labels": {"version": draw(one_of("v1", "v2"))}}
        spec = {
            "host": draw(one_of(FULL, FULL, FULL, "*.mesh.svc.cluster.local", "*.local")),
            "exportTo": exports(draw, namespace, selected=selected),
            "workloadSelector": {"matchLabels": {"app": draw(one_of("caller", "stranger"))}} if selected else None,
            "subsets": [subset] if draw(one_of(True, True, True, False)) else None,
            "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}} if draw(st.booleans()) else None,
        }
        objects.append(made("DestinationRule", f"d{number}", namespace, spec))
    destination = {"host": FULL, "subset": "pick"}
    hosts = {"hosts": [FULL, "api.example.com"], "gateways": ["mesh", "door"]}
    return [*objects, rule("picked", {**hosts, "http": [{"route": [{"destination": destination}]}]})]


@st.composite
def competing_rules(draw: st.DrawFn) -> list[Json]:
    """Several VirtualServices for hosts that overlap, in the mesh and at a gateway, which see different ones."""
    objects = []
    for number in range(draw(st.integers(1, 4))):
        namespace = draw(one_of("mesh", "mesh", "other", "istio-system"))
        gateways = draw(one_of(None, ["mesh/door"], ["mesh", "mesh/door"]))
        at_gateway = gateways is not None
        hosts = draw(
            one_of(
                *([FULL], ["*.mesh.svc.cluster.local"], ["shop"] if namespace == "mesh" else [FULL]),
                *((["api.example.com"], ["*.example.com"], [FULL, "api.example.com"]) if at_gateway else ([FULL],)),
                *((["*"],) if gateways == ["mesh/door"] else ()),
            )
        )
        http = []
        for index in range(draw(st.integers(1, 3))):
            body = {"string": f"{number}-{index}"}
            block = present(
                {
                    "uri": draw(one_of(None, None, {"prefix": "/a"}, {"exact": "/"}, {"prefix": "/"})),
                    "headers": draw(one_of(None, None, {"x-one": {"exact": "1"}})),
                    "sourceLabels": draw(one_of(None, None, None, {"app": "caller"}, {"istio": "ingressgateway"})),
                    "sourceNamespace": draw(one_of(None, None, None, "other", "istio-system")),
                    "gateways": draw(one_of(None, None, None, ["mesh/door"], ["mesh"])) if at_gateway else None,
                    "port": draw(one_of(None, None, None, 7000, 80)),
                }
            )
            answer = {"directResponse": {"status": 200, "body": body}}
            http.append({**answer, **({"match": [block]} if block else {})})
        spec = {"hosts": hosts, "gateways": gateways, "http": http, "exportTo": exports(draw, namespace)}
        objects.append(made("VirtualService", f"v{number}", namespace, spec))
    return objects


@st.composite
def gateways(draw: st.DrawFn) -> list[Json]:
    """Gateways with several servers and hosts that limit namespaces, and rules bound to them."""
    hosts = (
        "*",
        "*.example.com",
        "a.example.com",
        "mesh/*.example.com",
        "./a.example.com",
        "other/*",
        "*/a.example.com",
    )
    objects = []
    for number in range(draw(st.integers(1, 2))):
        namespace = draw(one_of("mesh", "other"))
        names = draw(st.lists(one_of(*hosts), min_size=1, max_size=2, unique_by=lambda text: text.rpartition("/")[2]))
        server = {"port": {"number": 80, "name": f"http-{number}", "protocol": "HTTP"}, "hosts": names}
        spec = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
        objects.append(made("Gateway", f"g{number}", namespace, spec))
    bound = [f"{body['metadata']['namespace']}/{body['metadata']['name']}" for body in objects]
    for number in range(draw(st.integers(1, 3))):
        namespace = draw(one_of("mesh", "other"))
        answer = {"directResponse": {"status": 200, "body": {"string": f"v{number}"}}}
        match = draw(one_of(None, None, [{"uri": {"prefix": "/a"}}], [{"authority": {"prefix": "a.example.com:"}}]))
        spec = {
            "hosts": draw(one_of(["*"], ["*.example.com"], ["a.example.com"], ["b.example.com"], ["*.b.example.com"])),
            "gateways": draw(st.lists(one_of(*bound), min_size=1, max_size=2, unique=True)),
            "http": [{**answer, **({"match": match} if match else {})}],
            "exportTo": draw(one_of(None, None, ["."], ["istio-system"])),
        }
        objects.append(made("VirtualService", f"v{number}", namespace, spec))
    return objects


@st.composite
def ports(draw: st.DrawFn) -> list[Json]:
    """A Service with ports of all protocols, and rules for it."""
    names = ("http", "http-a", "tcp", "tcp-a", "mysql", "https", "tls-a", "web", "grpc", "grpc-web", "http2", "redis")
    chosen = draw(st.lists(one_of(*names), min_size=1, max_size=3, unique=True))
    listed = []
    for number, name in enumerate(chosen):
        app = draw(one_of(None, None, None, "http", "tcp", "kubernetes.io/h2c"))
        listed.append(present({"name": name, "port": 7001 + number, "targetPort": 7000, "appProtocol": app}))
    objects = [
        made("Service", "many", "mesh", {"selector": {"app": "cart"}, "ports": listed}, "v1"),
    ]
    destination = draw(
        one_of(
            *({"host": "many"}, {"host": "shop", "port": {"number": 7000}}, {"host": "shop"}),
            {"host": "copy", "port": {"number": 7000}},
        )
    )
    match = draw(one_of(None, [{"uri": {"prefix": "/a"}}], [{"port": 7001}]))
    spec = {
        "hosts": ["many"],
        "http": [{"route": [{"destination": destination}], **({"match": match} if match else {})}],
    }
    if draw(st.booleans()):
        objects.append(made("VirtualService", "many", "mesh", spec))
    return objects


@st.composite
def sidecars(draw: st.DrawFn) -> list[Json]:
    """Sidecars that let in few hosts, and rules of other namespaces for them."""
    objects = draw(competing_rules())
    for number in range(draw(st.integers(1, 2))):
        namespace = draw(one_of("mesh", "mesh", "other", "istio-system"))
        hosts = draw(
            st.lists(
                one_of("./*", "mesh/*", "*/*", "other/*", f"*/{FULL}", f"mesh/{FULL}", "istio-system/*"),
                min_size=1,
                max_size=2,
                unique=True,
            )
        )
        # What is compared has to be in force first, which the rig sees by a rule of its own.
        spec: Json = {"egress": [{"hosts": [*hosts, f"*/{MARKER}"]}]}
        objects.append(made("Sidecar", f"s{number}", namespace, spec))
    return objects


@st.composite
def service_entries(draw: st.DrawFn) -> list[Json]:
    """Hosts outside, whose endpoints are pods of the rig ("@cart" is a pod's address), and rules for them."""
    objects = []
    export_to = draw(one_of(None, None, ["."], ["mesh"]))
    for number in range(draw(st.integers(1, 3))):
        ports = [{"number": 7000, "name": "http", "protocol": "HTTP"}]
        if draw(st.booleans()):
            ports.append({"number": 80, "name": "http-80", "protocol": "HTTP", "targetPort": 7000})
        pods = draw(st.lists(one_of("@cart", "@copy", "@shop-v1"), min_size=1, max_size=2, unique=True))
        spec = {
            "hosts": [draw(one_of("ext.example.com", "api.example.com"))],
            "location": draw(one_of("MESH_EXTERNAL", "MESH_INTERNAL")),
            "resolution": "STATIC",
            "ports": ports,
            "endpoints": [{"address": pod, "labels": {"version": "v1"}} for pod in pods],
            "exportTo": export_to,
        }
        objects.append(made("ServiceEntry", f"e{number}", "mesh", spec))
    if draw(st.booleans()):
        destination = {"host": draw(one_of("ext.example.com", "shop.mesh.svc.cluster.local")), "port": {"number": 7000}}
        match = draw(one_of(None, [{"uri": {"prefix": "/a"}}]))
        route = {"route": [{"destination": destination}], **({"match": match} if match else {})}
        hosts = draw(one_of(["ext.example.com"], ["api.example.com"], ["*.example.com"]))
        objects.append(made("VirtualService", "outside", "mesh", {"hosts": hosts, "http": [route]}))
    return objects
