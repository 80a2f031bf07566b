"""RequestAuthentication: which tokens a workload or a gateway takes, and what rules ask of them, with a real Envoy."""

import asyncio
import base64
import json
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from mesh.routing.explain.access import permits
from mesh.routing.explain.dry_run import Caller, decide
from mesh.routing.explain.request import HttpRequest
from tests.conformance.policies import operation, policy, source
from tests.conformance.reference import Request
from tests.conformance.rig import DEADLINE, MARKER, Observed, Rig, istio
from tests.support.http import read_message
from tests.support.tokens import Issuer

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]
HOST = "shop.mesh.svc.cluster.local:7000"
ISSUER = Issuer("testing@example.com")
OTHER = Issuer("https://other.example.com/")
STRANGER = Issuer("testing@example.com")
INGRESS = {"matchLabels": {"istio": "ingressgateway"}}


def rule(issuer: Issuer = ISSUER, **said: Any) -> Json:
    return {"issuer": issuer.name, "jwks": issuer.jwks, **said}


def authentication(*rules: Json, name: str = "jwt", app: str = "shop", namespace: str = "mesh", **spec: Any) -> Json:
    selector = {"selector": {"matchLabels": {"app": app}}} if app else {}
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**selector, "jwtRules": list(rules), **spec},
    }


def bearer(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)


async def ask(
    rig: Rig, objects: list[Json], *asked: Headers | tuple[str, Headers], at_gateway: bool = False
) -> list[Observed]:
    """What came back for each (path and) headers."""
    await rig.apply([*rig.around(), *objects])
    found = []
    try:
        for item in asked:
            target, headers = item if item and isinstance(item[0], str) else ("/", item)
            path, _, query = target.partition("?")
            place, host, port = ("mesh/door", "shop.example.com", 80) if at_gateway else ("mesh", HOST, 7000)
            request = Request(place, host, port, "GET", path, query, headers, authority=host)
            found.append((await rig.ask(request, "gateway" if at_gateway else "caller"))[1])
    finally:
        await rig.hang_up()
    return found


def statuses(found: list[Observed]) -> list[int]:
    return [item.status for item in found]


GOOD = bearer(ISSUER.token())
OLD = bearer(ISSUER.token(exp=1_000_000_000))
STRANGE = bearer(STRANGER.token())
NO_TOKEN = bearer("not.a.token")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], [200, 200, 200, 200, 200]),
        ([authentication(rule())], [200, 200, 401, 401, 401]),
        ([authentication(rule(), app="")], [200, 200, 401, 401, 401]),
        ([authentication(rule(), app="", namespace="istio-system")], [200, 200, 401, 401, 401]),
        ([authentication(rule(), app="cart")], [200, 200, 200, 200, 200]),
        ([authentication(rule(), app="", namespace="other")], [200, 200, 200, 200, 200]),
        ([authentication()], [200, 200, 200, 200, 200]),
        ([authentication(rule(OTHER))], [200, 401, 401, 401, 401]),
        ([authentication(rule(OTHER)), authentication(rule(), name="second")], [200, 200, 401, 401, 401]),
        ([authentication(rule(OTHER), rule())], [200, 200, 401, 401, 401]),
        ([authentication({"issuer": ISSUER.name, "jwksUri": "http://127.0.0.1:1/keys"})], [200, 401, 401, 401, 401]),
    ],
)
def test_a_request_without_a_token_passes_and_one_with_a_bad_one_does_not(
    rig: Rig, runner: asyncio.Runner, objects: list[Json], expected: list[int]
) -> None:
    assert statuses(runner.run(ask(rig, objects, (), GOOD, OLD, STRANGE, NO_TOKEN))) == expected


def test_a_token_must_be_for_one_of_the_audiences(rig: Rig, runner: asyncio.Runner) -> None:
    asked = [bearer(ISSUER.token(**said)) for said in ({}, {"aud": "a"}, {"aud": ["x", "b"]}, {"aud": "c"})]
    objects = [authentication(rule(audiences=["a", "b"]))]
    assert statuses(runner.run(ask(rig, objects, *asked))) == [403, 200, 200, 403]


def test_a_token_is_looked_for_where_the_rule_says(rig: Rig, runner: asyncio.Runner) -> None:
    token, bad = ISSUER.token(), STRANGER.token()
    places = rule(fromHeaders=[{"name": "x-token", "prefix": "T "}], fromParams=["t"], fromCookies=["c"])
    objects = [authentication(places), policy("p", source(requestPrincipals=["*"]))]
    found = runner.run(
        ask(
            rig,
            objects,
            (("x-token", f"T {token}"),),
            (("x-token", f"T {bad}"),),
            (f"/?t={token}", ()),
            (f"/?t={bad}", ()),
            (("cookie", f"a=b; c={token}"),),
            (("cookie", f"c={bad}"),),
            bearer(token),
        )
    )
    assert statuses(found) == [200, 401, 200, 401, 200, 401, 403]


def test_the_token_goes_on_only_where_the_rule_says_so(rig: Rig, runner: asyncio.Runner) -> None:
    (kept,) = runner.run(ask(rig, [authentication(rule(forwardOriginalToken=True))], GOOD))
    (taken,) = runner.run(ask(rig, [authentication(rule())], GOOD))
    assert (kept.sent.get("authorization"), taken.sent.get("authorization")) == (GOOD[0][1], None)


def test_what_a_token_says_is_told_in_headers_that_nobody_else_can_set(rig: Rig, runner: asyncio.Runner) -> None:
    told = rule(
        outputPayloadToHeader="x-payload",
        outputClaimToHeaders=[{"header": "x-sub", "claim": "sub"}, {"header": "x-land", "claim": "at.land"}],
    )
    token = bearer(ISSUER.token(at={"land": "nl"}))
    forged = (("x-sub", "admin"), ("x-payload", "none"))
    good, without = runner.run(ask(rig, [authentication(told)], (*token, *forged), forged))
    payload = json.loads(base64.urlsafe_b64decode(good.sent["x-payload"] + "=="))
    assert (good.sent["x-sub"], good.sent["x-land"], payload["sub"]) == ("fox", "nl", "fox")
    assert {"x-sub", "x-payload"}.isdisjoint(without.sent)


FULL = {
    "iss": OTHER.name,
    "sub": "a/b",
    "aud": ["shop", "cart"],
    "azp": "app",
    "groups": ["one", "two"],
    "scope": "read write",
    "realm": {"roles": ["admin"]},
    "level": "gold",
}


def when(key: str, *values: str, **others: list[str]) -> Json:
    return {"when": [{"key": f"request.auth.{key}", **({"values": list(values)} if values else {}), **others}]}


@pytest.mark.parametrize(
    ("rules", "without", "with_one"),
    [
        ([source(requestPrincipals=["*"])], 403, 200),
        ([source(notRequestPrincipals=["*"])], 200, 403),
        ([source(requestPrincipals=[f"{OTHER.name}/a/b"])], 403, 200),
        ([source(requestPrincipals=[f"{OTHER.name}/a/c"])], 403, 403),
        ([source(requestPrincipals=[f"{OTHER.name}/*"])], 403, 200),
        ([source(requestPrincipals=[f"{OTHER.name}/a/*"])], 403, 200),
        ([source(requestPrincipals=["https://*"])], 403, 200),
        ([source(requestPrincipals=["http:/*"])], 403, 403),
        ([source(requestPrincipals=["*/b"])], 403, 200),
        ([source(requestPrincipals=["*example.com//a/b"])], 403, 200),
        ([source(requestPrincipals=["*/c"])], 403, 403),
        ([source(requestPrincipals=["b"])], 403, 403),
        ([when("principal", f"{OTHER.name}/a/b")], 403, 200),
        ([when("audiences", "cart")], 403, 200),
        ([when("audiences", "*art")], 403, 200),
        ([when("audiences", "car")], 403, 403),
        ([when("presenter", "app")], 403, 200),
        ([when("claims[groups]", "two")], 403, 200),
        ([when("claims[groups]", "three", "o*")], 403, 200),
        ([when("claims[groups]", "*")], 403, 200),
        ([when("claims[groups]", notValues=["two"])], 200, 403),
        ([when("claims[level]", "gold")], 403, 200),
        ([when("claims[level]", "*")], 403, 200),
        ([when("claims[none]", "*")], 403, 403),
        ([when("claims[scope]", "write")], 403, 200),
        ([when("claims[realm][roles]", "admin")], 403, 200),
        ([when("claims[realm][roles]", "user")], 403, 403),
    ],
)
def test_what_a_token_says_decides_who_may_call(
    rig: Rig, runner: asyncio.Runner, rules: list[Json], without: int, with_one: int
) -> None:
    token = bearer(OTHER.token(**FULL))
    objects = [authentication(rule(OTHER, forwardOriginalToken=True)), policy("p", *rules)]
    assert statuses(runner.run(ask(rig, objects, (), token))) == [without, with_one]
    listener = rig.snapshot.listeners["sidecar|mesh/caller"]
    for headers, status in (((), without), (token, with_one)):
        question = HttpRequest(HOST, headers=headers)
        route = decide(rig.snapshot, Caller(listener, listener.source), question).route
        assert route is not None
        assert permits(route.access, question, listener.source) is (status == 200)


def test_words_of_a_claim_are_a_list_where_the_rule_says_so(rig: Rig, runner: asyncio.Runner) -> None:
    token = bearer(ISSUER.token(perms="read write"))
    asks = policy("p", when("claims[perms]", "write"))
    for said, expected in (([], 403), (["perms"], 200)):
        assert statuses(runner.run(ask(rig, [authentication(rule(spaceDelimitedClaims=said)), asks], token))) == [
            expected
        ]


def test_a_valid_token_can_be_asked_for(rig: Rig, runner: asyncio.Runner) -> None:
    objects = [
        authentication(rule()),
        policy("must", source(notRequestPrincipals=["*"]), action="DENY"),
    ]
    assert statuses(runner.run(ask(rig, objects, (), GOOD, STRANGE))) == [403, 200, 401]


@pytest.mark.parametrize(
    ("presences", "expected"),
    [
        (("REQUIRED", None), [401, 200, 401, 200, 401]),
        (("REQUIRED", "OPTIONAL"), [401, 200, 401, 200, 401]),
        (("REQUIRED", "REQUIRED"), [401, 401, 401, 200, 401]),
        (("OPTIONAL", "OPTIONAL"), [200, 200, 200, 200, 401]),
    ],
)
def test_a_token_can_be_required(
    rig: Rig, runner: asyncio.Runner, presences: tuple[str | None, ...], expected: list[int]
) -> None:
    """Of two tokens, each in a header of its own: none, the first, the second, both, an invalid one."""
    presence: list[Json] = [{"presence": item} if item else {} for item in presences]
    first = rule(fromHeaders=[{"name": "x-first"}], **presence[0])
    second = rule(OTHER, fromHeaders=[{"name": "x-second"}], **presence[1])
    one, two = ("x-first", ISSUER.token()), ("x-second", OTHER.token())
    asked: tuple[Headers, ...] = ((), (one,), (two,), (one, two), (("x-first", STRANGER.token()),))
    assert statuses(runner.run(ask(rig, [authentication(first, second)], *asked))) == expected


def test_a_single_token_can_be_required(rig: Rig, runner: asyncio.Runner) -> None:
    objects = [authentication(rule(presence="REQUIRED"))]
    assert statuses(runner.run(ask(rig, objects, (), GOOD, STRANGE))) == [401, 200, 401]


def routes(*claims: Json) -> Json:
    """At the gateway: the first of the blocks meets cart, all others shop."""
    matched = [{"match": list(claims), "route": [{"destination": {"host": "cart"}}]}] if claims else []
    everything = {"route": [{"destination": {"host": "shop"}}]}
    return istio("VirtualService", "in", {"hosts": ["*"], "gateways": ["door"], "http": [*matched, everything]})


def at_the_gateway(*rules: Json, **said: Any) -> Json:
    return authentication(*rules, app="", namespace="istio-system", **said)


def test_a_gateway_takes_the_tokens_that_its_own_rule_names(rig: Rig, runner: asyncio.Runner) -> None:
    objects = [routes(), at_the_gateway(rule(), selector=INGRESS)]
    assert statuses(runner.run(ask(rig, objects, (), GOOD, STRANGE, at_gateway=True))) == [200, 200, 401]
    # Calls within the mesh do not come by it.
    assert statuses(runner.run(ask(rig, objects, STRANGE))) == [200]


def test_a_gateway_s_policy_asks_what_the_token_says(rig: Rig, runner: asyncio.Runner) -> None:
    rule_of_others = {**source(notRequestPrincipals=["*"]), **operation(notHosts=[MARKER])}
    must = policy("must", rule_of_others, action="DENY", app="", namespace="istio-system")
    must["spec"]["selector"] = INGRESS
    objects = [routes(), at_the_gateway(rule(), selector=INGRESS), must]
    assert statuses(runner.run(ask(rig, objects, (), GOOD, STRANGE, at_gateway=True))) == [403, 200, 401]
    assert statuses(runner.run(ask(rig, objects, ()))) == [200]


def test_who_calls_a_gateway_has_no_name_in_the_mesh(rig: Rig, runner: asyncio.Runner) -> None:
    marker = operation(hosts=[MARKER])
    only = policy("only", source(namespaces=["*"]), marker, app="", namespace="istio-system")
    only["spec"]["selector"] = INGRESS
    assert statuses(runner.run(ask(rig, [routes(), only], (), at_gateway=True))) == [403]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"headers": {"@request.auth.claims.groups": {"exact": "two"}}}, ["shop", "cart", "shop"]),
        ({"headers": {"@request.auth.claims[groups]": {"prefix": "tw"}}}, ["shop", "cart", "shop"]),
        ({"headers": {"@request.auth.claims[groups]": {"regex": "o.*"}}}, ["shop", "cart", "cart"]),
        ({"headers": {"@request.auth.claims.realm.roles": {"exact": "admin"}}}, ["shop", "cart", "shop"]),
        ({"headers": {"@request.auth.claims[realm][roles]": {"exact": "admin"}}}, ["shop", "cart", "shop"]),
        ({"headers": {"@request.auth.claims.level": {}}}, ["shop", "cart", "shop"]),
        ({"headers": {"@request.auth.claims.sub": {"exact": "a/b"}}}, ["shop", "cart", "shop"]),
        ({"withoutHeaders": {"@request.auth.claims.groups": {"exact": "two"}}}, ["cart", "shop", "cart"]),
    ],
)
def test_what_a_token_says_chooses_a_row_at_the_gateway(
    rig: Rig, runner: asyncio.Runner, block: Json, expected: list[str]
) -> None:
    asked = [(), bearer(OTHER.token(**FULL)), bearer(OTHER.token(groups=["one"]))]
    objects = [routes(block), at_the_gateway(rule(OTHER, forwardOriginalToken=True), selector=INGRESS)]
    found = runner.run(ask(rig, objects, *asked, at_gateway=True))
    pods = ["shop" if item.pod.startswith("shop") else item.pod for item in found]
    assert pods == expected
    listener = rig.snapshot.listeners["gateway|80"]
    for headers, pod in zip(asked, expected, strict=True):
        route = decide(rig.snapshot, Caller(listener), HttpRequest("shop.example.com", headers=headers)).route
        assert route is not None
        assert f"|{pod}.mesh" in str(route.action)


def test_the_row_that_a_token_chose_asks_for_its_own_tokens(rig: Rig, runner: asyncio.Runner) -> None:
    """The request first fits a row without any such rule; the row it ends at has one."""
    block = {"headers": {"@request.auth.claims.groups": {"exact": "two"}}}
    objects = [
        routes(block),
        at_the_gateway(rule(OTHER, forwardOriginalToken=True), selector=INGRESS),
        authentication(rule(), app="cart"),
    ]
    other, both = OTHER.token(**FULL), (("authorization", f"Bearer {OTHER.token(**FULL)}"),)
    assert statuses(runner.run(ask(rig, objects, both, bearer(other), at_gateway=True))) == [401, 401]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"issuer": ""}, "spec.jwtRules[0].issuer"),
        ({"jwks": "{"}, "spec.jwtRules[0].jwks"),
        ({"jwks": "[]"}, "spec.jwtRules[0].jwks"),
        ({"jwks": '{"keys": []}'}, "spec.jwtRules[0].jwks"),
        ({"jwks": '{"keys": [{"kty": "RSA", "e": "AQAB"}]}'}, "spec.jwtRules[0].jwks"),
        ({"jwks": '{"keys": [{"kty": "EC", "crv": "P-1", "x": "a", "y": "b"}]}'}, "spec.jwtRules[0].jwks"),
        ({"jwks": '{"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]}'}, "spec.jwtRules[0].jwks"),
        ({"jwks": '{"keys": [{"kty": "RSA", "n": "AAAA", "e": "AQAB"}]}'}, "spec.jwtRules[0].jwks"),
        ({"jwks": '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}'}, "spec.jwtRules[0].jwks"),
        ({"jwks": ""}, "spec.jwtRules[0].jwks"),
        ({"jwksUri": "https://example.com/keys"}, "spec.jwtRules[0].jwks"),
        ({"jwks": "", "jwksUri": "ftp://example.com/keys"}, "spec.jwtRules[0].jwksUri"),
        ({"fromHeaders": [{"name": "a b"}]}, "spec.jwtRules[0].fromHeaders[0].name"),
        ({"outputPayloadToHeader": "a b"}, "spec.jwtRules[0].outputPayloadToHeader"),
        ({"outputClaimToHeaders": [{"header": "x", "claim": ""}]}, "spec.jwtRules[0].outputClaimToHeaders[0].claim"),
        ({"fromParams": [""]}, "spec.jwtRules[0].fromParams[0]"),
        ({"audience": ["a"]}, "spec.jwtRules[0].audience"),
    ],
)
def test_what_no_token_can_be_held_to_is_refused_at_its_field(change: Json, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(authentication({**rule(), **change}))
    assert path in [error.path for error in caught.value.errors]


def test_a_row_that_asks_for_a_token_within_the_mesh_is_refused_as_istiod_does() -> None:
    block = {"headers": {"@request.auth.claims.sub": {"exact": "fox"}}}
    rows = [{"match": [block], "directResponse": {"status": 207}}, {"directResponse": {"status": 204}}]
    with pytest.raises(Invalid) as refused:
        validate(istio("VirtualService", "here", {"hosts": ["shop"], "http": rows}))
    assert [error.path for error in refused.value.errors] == ["spec.http[0].match[0].headers[@request.auth.claims.sub]"]


def test_a_change_of_what_is_asked_closes_no_connection_and_fails_no_request(rig: Rig, runner: asyncio.Runner) -> None:
    async def play() -> list[Observed]:
        found: list[Observed] = []
        over = asyncio.Event()

        async def asking() -> None:
            reader, writer = await asyncio.open_connection(rig.addresses["caller"], 15001)
            lines = [f"GET http://{HOST}/ HTTP/1.1", f"host: {HOST}", f"{GOOD[0][0]}: {GOOD[0][1]}", "", ""]
            while not over.is_set():
                writer.write("\r\n".join(lines).encode())
                status, headers, body = await read_message(reader)
                found.append(Observed(int(status.split(" ")[1]), headers, body))
            writer.close()

        await rig.apply(rig.around())
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
            group.create_task(asking())
            for number in range(6):
                more = [authentication(rule(), name=f"n{item}") for item in range(number % 3)]
                await rig.apply([*rig.around(), *more, authentication(rule(), app="cart", name=f"cart{number}")])
            over.set()
        await rig.hang_up()
        return found

    found = runner.run(play())
    assert {item.status for item in found} == {200}
    assert not [item for item in found if item.headers.get("connection") == "close"]
