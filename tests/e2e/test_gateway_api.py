"""The Gateway API on a whole mesh: the same manifest that runs on a cluster, and gRPC by its methods."""

import json
import sys

import yaml
from pyreqwest.client import SyncClientBuilder

from tests.support.inside import Inside
from tests.support.mesh import Mesh
from tests.support.programs import GREETER, NAMESPACE, apply, deployment, service
from tests.support.waiting import until

GROUP = "gateway.networking.k8s.io"
WEB = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ["SAYS"] + " " + self.path).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer((os.environ["POD_IP"], 7000), Handler).serve_forever()
"""
GREET = """
import sys
import grpc
with grpc.insecure_channel(sys.argv[1], [("grpc.enable_http_proxy", 0)]) as channel:
    hello = channel.unary_unary("/shop.Greeter/Hello")
    print(hello(b"a", timeout=20).decode())
    print(hello(b"b", timeout=20, metadata=[("user", "fox")]).decode())
"""
MANIFEST = f"""
apiVersion: {GROUP}/v1
kind: Gateway
metadata: {{name: door, namespace: mesh}}
spec:
  gatewayClassName: istio
  listeners: [{{name: http, port: 80, protocol: HTTP}}]
---
apiVersion: {GROUP}/v1
kind: HTTPRoute
metadata: {{name: web, namespace: mesh}}
spec:
  parentRefs: [{{name: door}}]
  rules:
    - matches: [{{path: {{type: PathPrefix, value: /web}}}}]
      filters:
        - {{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: /}}}}}}
      backendRefs: [{{name: web, port: 7000}}]
---
apiVersion: {GROUP}/v1
kind: GRPCRoute
metadata: {{name: greeter, namespace: mesh}}
spec:
  parentRefs: [{{group: "", kind: Service, name: greeter}}]
  rules:
    - matches:
        - method: {{service: shop.Greeter, method: Hello}}
          headers: [{{name: user, value: fox}}]
      backendRefs: [{{name: greeter-v2, port: 9000}}]
    - backendRefs: [{{name: greeter-v1, port: 9000}}]
"""


def test_a_manifest_of_the_gateway_api_runs_and_grpc_calls_follow_a_grpc_route(mesh: Mesh) -> None:
    mesh.up("--empty")
    command = [sys.executable, "-c", GREETER]
    versions = [deployment("greeter", command, 9000, item, SAYS=item) for item in ("v1", "v2")]
    services = [service("greeter", 9000, "grpc")]
    for each in ("v1", "v2"):
        named = service(f"greeter-{each}", 9000, "grpc")
        named["spec"]["selector"] = {"app": "greeter", "version": each}
        services.append(named)
    web = deployment("web", [sys.executable, "-c", WEB], 7000, SAYS="web")
    apply(mesh, NAMESPACE, *services, *versions, web, service("web", 7000, "http"), *yaml.safe_load_all(MANIFEST))

    with SyncClientBuilder().no_proxy().build() as client:
        assert client.get(f"{mesh.gateway}/web/a?b=1").build().send().text() == "web /a?b=1"
        assert client.get(f"{mesh.gateway}/other").build().send().status == 404

    def programmed() -> bool:
        found = json.loads(mesh.ok("get", "gateways.gateway.networking.k8s.io", "-n", "mesh", "-o", "json"))
        (door,) = found.get("items", [found])
        return any(
            condition["type"] == "Programmed" and condition["status"] == "True"
            for condition in door["status"]["conditions"]
        )

    until(programmed)
    inside = Inside.of(mesh)
    said = inside.python("web-v1", GREET, f"{inside.host('greeter')}:9000")
    assert said == "v1 a\nv2 b\n"
