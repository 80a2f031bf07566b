"""A compilation that remembers the last one says the same as one that does not, whatever has changed."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.memory import Memory
from mesh.routing.world import MeshSettings, World
from tests.support.objects import Body, body, cookie, pod, rule, service, to
from tests.support.worlds import typed

NAMES = ("a", "b", "c")
NAMESPACES = ("mesh", "other")
SECURITY = "security.istio.io"
API = "gateway.networking.k8s.io"
names, namespaces = st.sampled_from(NAMES), st.sampled_from(NAMESPACES)
versions = st.sampled_from(("v1", "v2"))


@st.composite
def services(draw: st.DrawFn) -> Body:
    return service(draw(names), draw(namespaces), port=draw(st.sampled_from((80, 7000))), app=draw(names))


@st.composite
def pods(draw: st.DrawFn) -> Body:
    number = draw(st.integers(1, 6))
    labels = {"app": draw(names), "version": draw(versions)}
    if draw(st.integers(0, 4)) == 0:
        labels |= {BRANCH_LABEL: "fox", SERVICE_LABEL: draw(names)}
    return pod(f"p{number}", f"127.1.0.{number}", draw(namespaces), ready=draw(st.booleans()), **labels)


@st.composite
def rules(draw: st.DrawFn) -> Body:
    hosts = draw(
        st.lists(
            st.sampled_from((*NAMES, "a.other.svc.cluster.local", "*.example.org", "x.example.com")),
            min_size=1,
            max_size=2,
            unique=True,
        )
    )
    destination = draw(st.sampled_from((*NAMES, "a:v1", "b:v2", "nobody", "nobody:v1")))
    rows = [to(destination, match=[cookie("fox")]), to(draw(names))]
    more: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        rows.insert(0, {"match": [{"uri": {"prefix": "/d"}}], "delegate": {"name": "inner", "namespace": "mesh"}})
    if draw(st.integers(0, 3)) == 0:
        more["exportTo"] = [draw(st.sampled_from((".", "*", "other")))]
    return rule(f"r{draw(st.integers(0, 3))}", hosts, *rows, namespace=draw(namespaces), **more)


@st.composite
def inner(draw: st.DrawFn) -> Body:
    return body("VirtualService", "inner", http=[to(draw(names))])


@st.composite
def destination_rules(draw: st.DrawFn) -> Body:
    spec: dict[str, Any] = {
        "host": draw(st.sampled_from((*NAMES, "*.mesh.svc.cluster.local"))),
        "subsets": [{"name": item, "labels": {"version": item}} for item in draw(st.lists(versions, unique=True))],
    }
    if draw(st.booleans()):
        spec["trafficPolicy"] = {"loadBalancer": {"consistentHash": {"httpHeaderName": draw(names)}}}
    if draw(st.integers(0, 4)) == 0:
        spec["workloadSelector"] = {"matchLabels": {"app": draw(names)}}
    elif draw(st.integers(0, 4)) == 0:
        spec["exportTo"] = [draw(st.sampled_from((".", "other")))]
    return body("DestinationRule", f"d{draw(st.integers(0, 2))}", draw(namespaces), **spec)


@st.composite
def policies(draw: st.DrawFn) -> Body:
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": draw(names)}},
        "action": draw(st.sampled_from(("ALLOW", "DENY"))),
        "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}],
    }
    return body("AuthorizationPolicy", "p", draw(namespaces), SECURITY, **spec)


@st.composite
def branches(draw: st.DrawFn) -> Body:
    changed = {
        name: draw(st.sampled_from(({"version": "v2"}, {"fork": {}}))) for name in draw(st.sets(names, min_size=1))
    }
    spec: dict[str, Any] = {"services": changed, "fallback": draw(st.sampled_from(("fail", "baseline")))}
    return body("Branch", draw(st.sampled_from(("fox", "gus"))), group="meshmall.dev", **spec)


@st.composite
def gateways(draw: st.DrawFn) -> Body:
    server = {
        "port": {"number": 80, "name": "http", "protocol": "HTTP"},
        "hosts": draw(st.sampled_from((["*"], ["x.example.com"]))),
    }
    return body("Gateway", "g", selector={"istio": "ingressgateway"}, servers=[server])


@st.composite
def at_gateway(draw: st.DrawFn) -> Body:
    return rule("door", ["*"], to(draw(st.sampled_from((*NAMES, "a:v1", "nobody")))), gateways=["g"])


@st.composite
def http_routes(draw: st.DrawFn) -> Body:
    parent = draw(st.sampled_from(({"group": "", "kind": "Service", "name": "a"}, {"name": "api"})))
    backends = [{"name": draw(st.sampled_from((*NAMES, "nobody"))), "port": 7000}]
    spec: dict[str, Any] = {"parentRefs": [parent], "rules": [{"backendRefs": backends}]}
    return body("HTTPRoute", draw(st.sampled_from(("h1", "h2"))), group=API, **spec)


@st.composite
def api_gateways(draw: st.DrawFn) -> Body:
    listener = {"name": "http", "port": draw(st.sampled_from((80, 8081))), "protocol": "HTTP"}
    return body("Gateway", "api", group=API, gatewayClassName="meshmall", listeners=[listener])


KINDS = st.one_of(
    http_routes(),
    api_gateways(),
    services(),
    services(),
    pods(),
    pods(),
    rules(),
    rules(),
    inner(),
    destination_rules(),
    policies(),
    branches(),
    gateways(),
    at_gateway(),
)
# A step writes an object or takes away the one of its kind and name; then everything is compiled.
STEPS = st.lists(st.tuples(KINDS, st.booleans()), min_size=2, max_size=14)


def key_of(raw: Body) -> tuple[str, str, str]:
    return raw["apiVersion"] + raw["kind"], raw["metadata"].get("namespace", ""), raw["metadata"]["name"]


@settings(deadline=None, max_examples=300)
@given(STEPS)
def test_what_is_remembered_is_never_what_was(steps: list[tuple[Body, bool]]) -> None:
    held: dict[tuple[str, str, str], Any] = {}
    memory, kept_pods = Memory(), Memory()
    for number, (raw, there) in enumerate(steps):
        if there or key_of(raw) not in held:
            held[key_of(raw)] = typed(copy.deepcopy(raw), number)
        else:
            del held[key_of(raw)]
        mesh = MeshSettings(any_host=number % 5 == 4)
        again = compile(World.build(number, held.values(), kept_pods), mesh, memory)
        assert again == compile(World.build(number, held.values()), mesh)


def test_what_did_not_change_is_the_same_object() -> None:
    held = {
        name: [
            typed(service(name)),
            typed(pod(f"{name}-1", f"127.1.0.{n}", app=name)),
            typed(rule(name, name, to(name))),
        ]
        for n, name in enumerate(NAMES, 1)
    }
    memory, kept_pods = Memory(), Memory()

    def compiled() -> Any:
        return compile(
            World.build(1, [item for group in held.values() for item in group], kept_pods), MeshSettings(), memory
        )

    before = compiled()
    held["b"][2] = typed(rule("b", "b", {"directResponse": {"status": 418}}))
    after = compiled()
    hosts = [{host.name: host for host in item.tables["outbound|mesh"].hosts} for item in (before, after)]
    same = {name for name in hosts[0] if hosts[0][name] is hosts[1][name]}
    assert {f"{name}.mesh.svc.cluster.local:7000" for name in ("a", "c")} <= same
    assert "b.mesh.svc.cluster.local:7000" not in same
    assert all(after.clusters[name] is before.clusters[name] for name in before.clusters)
    assert all(
        after.listeners[name] is before.listeners[name] for name in before.listeners if name.startswith("sidecar")
    )
