"""AuthorizationPolicy: who may send what, decided by a real Envoy, and by the dry run alike."""

import asyncio
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from mesh.routing.explain.access import permits
from mesh.routing.explain.dry_run import Caller, decide
from mesh.routing.explain.request import HttpRequest
from tests.conformance.policies import operation, policy, source
from tests.conformance.reference import Request
from tests.conformance.rig import MARKER, Rig

Json = dict[str, Any]
CALLER = "cluster.local/ns/mesh/sa/default"


async def statuses(
    rig: Rig, policies: list[Json], *asked: tuple[str, str, str, tuple[tuple[str, str], ...]]
) -> list[int]:
    """The status of each (caller, method, path, headers), the dry run's answer held against it."""
    await rig.apply([*rig.around(), *policies])
    found = []
    try:
        for caller, method, path, headers in asked:
            namespace = "other" if caller == "stranger" else "mesh"
            host = "shop.mesh.svc.cluster.local:7000"
            request = Request("mesh", host, 7000, method, path, "", headers, namespace, authority=host)
            _, observed = await rig.ask(request, caller)
            listener = rig.snapshot.listeners[f"sidecar|{namespace}/{caller}"]
            question = HttpRequest(host, method, path, "", headers)
            route = decide(rig.snapshot, Caller(listener, listener.source), question).route
            assert route is not None
            assert permits(route.access, question, listener.source) == (observed.status != 403)
            found.append(observed.status)
    finally:
        await rig.hang_up()
    return found


MINE = ("caller", "GET", "/a/b", ())
THEIRS = ("stranger", "GET", "/a/b", ())
POSTED = ("caller", "POST", "/x", (("x-token", "t1"),))


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], [200, 200, 200]),
        ([policy("nothing", app="")], [403, 403, 403]),
        ([policy("all", {})], [200, 200, 200]),
        ([policy("none", {}, action="DENY")], [403, 403, 403]),
        ([policy("other-app", app="cart")], [200, 200, 200]),
        ([policy("elsewhere", app="", namespace="other")], [200, 200, 200]),
        ([policy("everywhere", operation(hosts=[MARKER]), app="", namespace="istio-system")], [403, 403, 403]),
        ([policy("ns", source(namespaces=["mesh"]))], [200, 403, 200]),
        ([policy("ns", source(namespaces=["me*"]))], [200, 403, 200]),
        ([policy("ns", source(namespaces=["*sh"]))], [200, 403, 200]),
        ([policy("ns", source(notNamespaces=["mesh"]))], [403, 200, 403]),
        ([policy("who", source(principals=[CALLER]))], [200, 403, 200]),
        ([policy("who", source(principals=["*/sa/default"]))], [200, 200, 200]),
        ([policy("who", source(principals=["cluster.local/ns/other/*"]))], [403, 200, 403]),
        ([policy("who", source(serviceAccounts=["default"]))], [200, 403, 200]),
        ([policy("who", source(serviceAccounts=["other/default"]))], [403, 200, 403]),
        ([policy("domain", source(trustDomains=["cluster.local"]))], [200, 200, 200]),
        ([policy("domain", source(trustDomains=["cluster.*"], namespaces=["mesh"]))], [200, 403, 200]),
        ([policy("domain", source(trustDomains=["*"]))], [200, 200, 200]),
        ([policy("domain", source(trustDomains=["cluster", "*cluster.local/ns/mesh"]))], [403, 403, 403]),
        ([policy("domain", source(notTrustDomains=["elsewhere.example.com"]))], [200, 200, 200]),
        ([policy("domain", source(notTrustDomains=["*.local"]))], [403, 403, 403]),
        ([policy("path", operation(paths=["/a/*"]))], [200, 200, 403]),
        ([policy("path", operation(paths=["*/b"], methods=["GET"]))], [200, 200, 403]),
        ([policy("path", operation(notPaths=["/a/*"]))], [403, 403, 200]),
        ([policy("method", operation(methods=["POST"]), action="DENY")], [200, 200, 403]),
        ([policy("host", operation(hosts=["shop.mesh.svc.cluster.local:*"]))], [200, 200, 200]),
        ([policy("port", operation(ports=["7000"]))], [200, 200, 200]),
        ([policy("port", operation(ports=["9"]))], [403, 403, 403]),
        ([policy("when", {"when": [{"key": "request.headers[X-Token]", "values": ["t*"]}]})], [403, 403, 200]),
        ([policy("when", {"when": [{"key": "request.headers[X-Token]", "notValues": ["t1"]}]})], [200, 200, 403]),
        ([policy("when", {"when": [{"key": "source.namespace", "values": ["other"]}]})], [403, 200, 403]),
        ([policy("ip", source(ipBlocks=["127.0.0.0/8"]))], None),
        (
            [policy("one", source(namespaces=["other"])), policy("two", operation(methods=["POST"]))],
            [403, 200, 200],
        ),
        (
            [policy("allow", {}), policy("deny", source(namespaces=["other"]), action="DENY")],
            [200, 403, 200],
        ),
        ([policy("both", {**source(namespaces=["mesh"]), **operation(methods=["GET"])})], [200, 403, 403]),
    ],
)
def test_who_may_send_what(rig: Rig, runner: asyncio.Runner, policies: list[Json], expected: list[int] | None) -> None:
    if expected is None:
        # The dry run has no address to look at; Envoy has.
        async def alone() -> int:
            await rig.apply([*rig.around(), *policies])
            host = "shop.mesh.svc.cluster.local:7000"
            request = Request("mesh", host, 7000, "GET", "/", "", (), authority=host)
            try:
                return (await rig.ask(request, "caller"))[1].status
            finally:
                await rig.hang_up()

        assert runner.run(alone()) == 200
        return
    assert runner.run(statuses(rig, policies, MINE, THEIRS, POSTED)) == expected


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"action": "ALOW"}, "spec.action"),
        ({"rules": [source(ipBlocks=["10.0.0/8"])]}, "spec.rules[0].from[0].source.ipBlocks[0]"),
        ({"rules": [operation(ports=["http"])]}, "spec.rules[0].to[0].operation.ports[0]"),
        ({"rules": [operation(paths=["/a/{*}"])]}, "spec.rules[0].to[0].operation.paths[0]"),
        ({"rules": [{"when": [{"key": "request.auth.claim[a]", "values": ["b"]}]}]}, "spec.rules[0].when[0].key"),
        ({"rules": [{"when": [{"key": "source.ip"}]}]}, "spec.rules[0].when[0]"),
        ({"rules": [{"form": []}]}, "spec.rules[0].form"),
    ],
)
def test_what_cannot_be_held_is_refused_at_its_field(change: Json, path: str) -> None:
    body = policy("p")
    with pytest.raises(Invalid) as caught:
        validate({**body, "spec": {**body["spec"], **change}})
    assert path in [error.path for error in caught.value.errors]
