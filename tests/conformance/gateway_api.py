"""The Gateway API's objects as tests write them, and requests at the gateway and in the mesh."""

from collections import Counter
from typing import Any

from tests.conformance.reference import Request
from tests.conformance.rig import Observed, Rig

Json = dict[str, Any]
GROUP = "gateway.networking.k8s.io"


def of(kind: str, name: str, spec: Json, namespace: str = "mesh") -> Json:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def listener(name: str = "http", port: int = 80, protocol: str = "HTTP", **more: Any) -> Json:
    return {"name": name, "port": port, "protocol": protocol, **more}


def gateway(*listeners: Json, name: str = "api", **more: Any) -> Json:
    spec = {"gatewayClassName": "meshmall", "listeners": list(listeners or [listener()]), **more}
    return of("Gateway", name, spec)


def route(name: str, *rules: Json, hostnames: tuple[str, ...] = ("api.example.com",), **more: Any) -> Json:
    """An HTTPRoute of the Gateway `api`, if nothing else is said."""
    namespace = more.pop("namespace", "mesh")
    parents = more.pop("parentRefs", [{"name": "api"}])
    spec = {"parentRefs": parents, **({"hostnames": list(hostnames)} if hostnames else {}), "rules": list(rules)}
    return of("HTTPRoute", name, {**spec, **more}, namespace)


def to(*names: str, **more: Any) -> Json:
    """A rule to Services: `cart`, or `cart=3` with a weight."""
    refs = []
    for item in names:
        name, _, weight = item.partition("=")
        refs.append({"name": name, "port": 7000, **({"weight": int(weight)} if weight else {})})
    return {"backendRefs": refs, **more}


def path(value: str, kind: str = "PathPrefix", **more: Any) -> Json:
    return {"path": {"type": kind, "value": value}, **more}


def grant(namespace: str, kind: str, source: str, target: str = "Service", name: str = "") -> Json:
    made = {"group": "", "kind": target, **({"name": name} if name else {})}
    body = of("ReferenceGrant", "grant", {"from": [{"group": GROUP, "kind": kind, "namespace": source}], "to": [made]})
    return {**body, "apiVersion": f"{GROUP}/v1beta1", "metadata": {"name": "grant", "namespace": namespace}}


async def enter(
    rig: Rig, target: str = "/", host: str = "api.example.com", method: str = "GET", **headers: str
) -> Observed:
    """A request at the gateway."""
    return await _ask(rig, "mesh/api", "gateway", target, host, method, headers)


async def call(rig: Rig, target: str, host: str = "shop:7000", caller: str = "caller", **headers: str) -> Observed:
    """A call from a pod."""
    return await _ask(rig, "mesh", caller, target, host, "GET", headers)


async def _ask(
    rig: Rig, place: str, caller: str, target: str, host: str, method: str, headers: dict[str, str]
) -> Observed:
    plain, _, query = target.partition("?")
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    request = Request(place, host, 80, method, plain, query, sent, authority=host)
    return (await rig.ask(request, caller))[1]


def who(seen: Observed) -> str:
    """The Service whose pod answered, or the status."""
    return seen.pod.partition("-v")[0] or str(seen.status)


async def shares(rig: Rig, count: int, target: str = "/") -> Counter[str]:
    """Who answers how often."""
    return Counter([who(await enter(rig, target)) for _ in range(count)])
