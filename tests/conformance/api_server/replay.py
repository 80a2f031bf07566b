"""Asks an API server what a kube-apiserver was asked, and compares the answers."""

import copy
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mesh.api.server import ApiServer
from mesh.api.settings import ApiSettings
from mesh.store import Store
from tests.conformance.api_server.recorded_answers import Body, Case, Default, Recorded, cases, changed, defaults
from tests.support.api import Answer, Api, StandInAllocator, StandInLogs, StandInPlane
from tests.support.manifests import namespace

CASES_NAMESPACE, DEFAULTS_NAMESPACE = "v", "t"
CLUSTER_SCOPED = (
    *("namespaces", "nodes", "persistentvolumes", "storageclasses", "ingressclasses", "priorityclasses"),
    *("clusterroles", "clusterrolebindings", "gatewayclasses", "customresourcedefinitions"),
    *("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
)
# What the server chooses: that there is a value counts, and which does not.
_CHOSEN = re.compile(r"\.(clusterIP|clusterIPs\[\d+\]|nodePort|healthCheckNodePort)$")
_RANDOM = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-x"),
)
SERVER_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")


@asynccontextmanager
async def api_server(home: Path) -> AsyncGenerator[Api, None]:
    """A server with the namespaces and the objects that the recorded requests need."""
    store = Store.open(None)
    settings = ApiSettings(home=home, namespace=DEFAULTS_NAMESPACE)
    server = ApiServer(
        store, settings, plane=StandInPlane(), logs=StandInLogs(), allocator=StandInAllocator(), status=dict
    )
    api = Api(server, await server.start(), home, store)
    try:
        for name in (DEFAULTS_NAMESPACE, CASES_NAMESPACE):
            await api.ask("POST", "/api/v1/namespaces", namespace(name))
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            await api.ask("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)
        yield api
    finally:
        api.close()
        await server.stop()
        store.close()


def _path(resource: str, api_version: str, in_namespace: str) -> str:
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/{resource}" if resource in CLUSTER_SCOPED else f"{root}/namespaces/{in_namespace}/{resource}"


def _as_recorded(answer: Answer) -> Recorded:
    if answer.code < 400:
        return Recorded(answer.code, stored=answer.body)
    body = answer.body if isinstance(answer.body, dict) else {}
    causes = {
        (cause.get("reason") or "", cause.get("field") or "")
        for cause in (body.get("details") or {}).get("causes") or ()
        if cause.get("field") != "<nil>"
    }
    fields = tuple(sorted({field for _, field in causes}))
    return Recorded(answer.code, body.get("reason") or "", fields, body.get("message") or "", tuple(sorted(causes)))


# What some of the recorded requests refer to or collide with; a server that has it already refuses it.
SURROUNDINGS: tuple[tuple[str, Body], ...] = (
    (
        "/apis/gateway.networking.k8s.io/v1/gatewayclasses",
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "gwc-min"},
            "spec": {"controllerName": "example.com/controller"},
        },
    ),
    (
        "/api/v1/namespaces/t/services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "svc-np2"},
            "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80, "nodePort": 31999}]},
        },
    ),
    (
        "/api/v1/namespaces/t/services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "svc-min"},
            "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}]},
        },
    ),
)

Ask = Callable[..., Awaitable[Answer]]


async def ask_case(ask: Ask, number: int, case: Case) -> Recorded:
    """Asks the request of a case; objects that do not say otherwise are called `c<number>`."""
    base = copy.deepcopy(case.base)
    if base["metadata"]["name"] in ("x", "xns"):
        base["metadata"]["name"] = f"c{number}"
    path = _path(case.resource, base["apiVersion"], case.namespace)
    if case.name.endswith("cluster kind in ns"):
        path = f"/api/v1/namespaces/{case.namespace}/{case.resource}"
    query = f"?fieldValidation={case.field_validation}" if case.field_validation else ""
    if case.name.endswith("exists already"):
        await ask("POST", path, base)
    if case.operation == "create":
        body = changed(base, case.changes) if case.raw is None else case.raw
        answer = await ask("POST", path + query, body, content_type=case.content_type)
    else:
        one = f"{path}/{base['metadata']['name']}"
        if case.prepared:
            created = await ask("POST", path, base)
            base = created.body if case.versioned and created.code == 201 else base
        answer = await ask("PUT", one + query, changed(base, case.changes))
    if case.resource == "customresourcedefinitions":
        await ask("DELETE", f"{path}/{base['metadata']['name']}")
    return _as_recorded(answer)


async def ask_default(ask: Ask, default: Default) -> Recorded:
    """Stores an object, and answers what has become of it."""
    path = _path(default.resource, default.body["apiVersion"], DEFAULTS_NAMESPACE)
    return _as_recorded(await ask("POST", path, default.body))


def case_difference(recorded: Recorded, answered: Recorded) -> str:
    """In what an answer differs from the recorded one: "" when code, reason, fields and causes agree."""
    same = (recorded.code, recorded.reason, recorded.fields) == (answered.code, answered.reason, answered.fields)
    # Recorded since causes are: of a status 422 alone, since others name no field.
    same_causes = recorded.code != 422 or not recorded.causes or recorded.causes == answered.causes
    if same and same_causes:
        return ""
    if same:
        return f"{sorted(recorded.causes)}\n    here: {sorted(answered.causes)}"
    return f"{_shown(recorded)}\n    here: {_shown(answered)}"


def _shown(answer: Recorded) -> str:
    return f"{answer.code} {answer.reason} {', '.join(answer.fields)} ({answer.message[:160]})".replace("\n", " ")


def stored_differences(recorded: Recorded, answered: Recorded) -> dict[str, str]:
    """The fields in which a stored object differs from the recorded one, without its status."""
    if recorded.code != answered.code:
        return {"code": f"{answered.code} instead of {recorded.code}: {answered.message[:160]}"}
    expected, actual = _flat(recorded.stored), _flat(answered.stored)
    differences = {}
    for path in sorted(expected.keys() | actual.keys()):
        if path not in actual:
            differences[path] = f"is missing: {expected[path]}"
        elif path not in expected:
            differences[path] = f"is there in addition: {actual[path]}"
        elif expected[path] != actual[path]:
            differences[path] = f"is {actual[path]} instead of {expected[path]}"
    return differences


def _flat(stored: Body) -> dict[str, str]:
    body = {name: value for name, value in stored.items() if name != "status"}
    if "metadata" in body:
        body["metadata"] = {name: value for name, value in body["metadata"].items() if name not in SERVER_METADATA}
    return dict(_leaves(body, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, member in enumerate(value):
            yield from _leaves(member, f"{path}[{number}]")
    elif value is not None:
        text = "(chosen by the server)" if _CHOSEN.search(path) and value != "None" else json.dumps(value)
        for pattern, name in _RANDOM:
            text = pattern.sub(name, text)
        yield path, text


async def differing_cases(api: Api) -> dict[str, str]:
    """The recorded requests that this server answers otherwise, with both answers."""
    for path, body in SURROUNDINGS:
        await api.ask("POST", path, body)
    answers = {case.name: await ask_case(api.ask, number, case) for number, case in enumerate(cases())}
    compared = {case.name: case_difference(case.answer, answers[case.name]) for case in cases()}
    return {name: difference for name, difference in compared.items() if difference}


async def differing_defaults(api: Api) -> dict[str, str]:
    """The fields of stored objects that differ, as "object: field", with what is there and what was recorded."""
    differences: dict[str, str] = {}
    for default in defaults():
        answered = await ask_default(api.ask, default)
        for path, difference in stored_differences(default.answer, answered).items():
            differences[f"{default.name}: {path}"] = difference
    return differences
