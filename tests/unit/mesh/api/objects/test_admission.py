"""The Gateway API's kinds, as kubectl sees them beside Istio's Gateway."""

import json
from typing import Any

import pytest

from tests.support.api import KUBECTL, Api, Kubectl
from tests.support.manifests import namespace

GROUP = "gateway.networking.k8s.io"
with_kubectl = pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on this machine")


def body(version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "mesh"}, "spec": spec}


@with_kubectl
async def test_two_groups_have_a_gateway_and_each_is_found_by_its_full_name(api: Api, kubectl: Kubectl) -> None:
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    objects = [
        namespace("mesh"),
        body("networking.istio.io/v1", "Gateway", "old", {"servers": [server]}),
        body(f"{GROUP}/v1", "Gateway", "new", {"gatewayClassName": "meshmall", "listeners": [listener]}),
        body(f"{GROUP}/v1", "HTTPRoute", "shop", {"parentRefs": [{"name": "new"}], "hostnames": ["a.org"]}),
    ]
    await kubectl("apply", "-f", kubectl.file(*objects))
    assert await kubectl("get", f"gateway.{GROUP}", "-n", "mesh", "-o", "name") == f"gateway.{GROUP}/new\n"
    old = "gateway.networking.istio.io"
    assert await kubectl("get", old, "-n", "mesh", "-o", "name") == f"{old}/old\n"
    shown = await kubectl("get", f"gateway.{GROUP}", "-n", "mesh")
    assert shown.split("\n")[0].split() == ["NAME", "CLASS", "ADDRESS", "PROGRAMMED", "AGE"]
    routes = await kubectl("get", "httproutes", "-n", "mesh")
    assert '["a.org"]' in routes
    assert "shop" in routes
    classes = json.loads(await kubectl("get", "gatewayclasses", "-o", "json"))
    assert [item["metadata"]["name"] for item in classes["items"]] == ["meshmall"]
    assert "PathPrefix" in await kubectl("explain", "httproute.spec.rules.matches.path")


@with_kubectl
async def test_what_the_specification_refuses_is_refused_at_its_path(api: Api, kubectl: Kubectl) -> None:
    backend = {"name": "shop", "port": 7000, "filters": [{"type": "RequestRedirect", "requestRedirect": {}}]}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "no-slash"}, "method": "FETCH"}],
        "filters": [{"type": "URLRewrite"}, {"type": "ExtensionRef"}],
        "backendRefs": [backend, {"name": "shop"}],
        "timeouts": {"request": "1s", "backendRequest": "2s"},
    }
    route = body(f"{GROUP}/v1", "HTTPRoute", "shop", {"hostnames": ["*"], "rules": [rule]})
    said = await kubectl("apply", "-f", kubectl.file(namespace("mesh"), route), fails=True)
    for path in (
        "spec.hostnames[0]",
        "spec.rules[0].matches[0].path",
        "spec.rules[0].matches[0].method",
        "spec.rules[0].filters[0]",
        "spec.rules[0].filters[1].type",
        "spec.rules[0].backendRefs[0].filters[0].type",
        "spec.rules[0].backendRefs[1]",
        "spec.rules[0].timeouts",
    ):
        assert f"{path}:" in said
