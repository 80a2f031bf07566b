"""Objects with anything in any place: refused with a reason or taken, never an error of ours."""

import copy
import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.manifests import config, deployment, destination_rule, namespace, service, virtual_service

ODD: list[Any] = [
    None, True, -1, 0, 7, 1e99, 2**70, "", "x" * 300, "ü", "\x00", "a/b", "$(A)", [], [None], [[]], {}, {"": ""},
    {"name": None}, {"$patch": "delete"}, [{"name": "main"}], "1h", "50%",
]  # fmt: skip
COLLECTIONS = {
    "ConfigMap": "/api/v1/namespaces/mesh/configmaps",
    "Service": "/api/v1/namespaces/mesh/services",
    "Deployment": "/apis/apps/v1/namespaces/mesh/deployments",
    "VirtualService": "/apis/networking.istio.io/v1/namespaces/mesh/virtualservices",
    "DestinationRule": "/apis/networking.istio.io/v1/namespaces/mesh/destinationrules",
    "Namespace": "/api/v1/namespaces",
}
PATCHES = ("merge-patch+json", "strategic-merge-patch+json", "json-patch+json")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def mutated(chance: random.Random, body: dict[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(body)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        holder, key = chance.choice(list(places(body)))
        if isinstance(holder, dict) and chance.random() < 0.2:
            holder[chance.choice(("x", "$patch", "$retainKeys", "$setElementOrder/env", "name"))] = copy.deepcopy(
                chance.choice(ODD)
            )
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD))
    return body


# 120 requests each: 4 in every run, 17 for two thousand.
SEEDS = int(os.environ.get("ODD_REQUESTS_SEEDS", "4"))


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_odd_objects_never_break_the_server(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    good = [
        config("a"), service("products", type="NodePort"), deployment("products", A="1", B="2"), namespace("other"),
        destination_rule("products", "v1"), virtual_service("products", "v1"),
    ]  # fmt: skip
    assert (await api.ask("POST", "/mesh/v1/apply", {"objects": good, "namespace": "mesh"})).code == 200
    for _ in range(120):
        origin = chance.choice(good)
        body, path = mutated(chance, origin), COLLECTIONS[origin["kind"]]
        one = f"{path}/{origin['metadata']['name']}"
        version = api.store.version
        how = chance.choice(("POST", "PUT", "PATCH", "apply", "server-side", "cut off"))
        if how == "PATCH":
            kind = f"application/{chance.choice(PATCHES)}"
            patch = [body, body] if "json-patch" in kind else body
            answer = await api.ask("PATCH", one, patch, content_type=kind)
        elif how == "server-side":
            query = f"?fieldManager={chance.choice('ab')}{chance.choice(('', '&force=true'))}"
            answer = await api.ask("PATCH", f"{one}{query}", body, content_type="application/apply-patch+yaml")
        elif how == "cut off":
            raw = json.dumps(body).encode()
            kind = chance.choice(("json", "vnd.kubernetes.protobuf", "yaml"))
            raw = b"k8s\x00" + raw if kind.endswith("protobuf") else raw
            answer = await api.ask(
                "POST", path, raw[: chance.randrange(1, len(raw))], content_type=f"application/{kind}"
            )
        elif how == "apply":
            answer = await api.ask("POST", "/mesh/v1/apply", {"objects": [good[0], body], "namespace": "mesh"})
        else:
            answer = await api.ask(how, path if how == "POST" else one, body)
        assert answer.code < 500, (how, one, body, answer.body)
        if answer.code >= 400:
            assert answer.body["kind"] == "Status"
            assert answer.body["message"]
            assert api.store.version == version
    for item in api.store.everything():
        assert item.typed is not None
