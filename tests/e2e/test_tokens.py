"""Tokens through the whole mesh: a RequestAuthentication applied as a user does, held by real requests."""

import base64
import json
import sys

from pyreqwest.client import SyncClientBuilder

from tests.support.mesh import Mesh
from tests.support.served import served
from tests.support.tokens import Issuer
from tests.support.waiting import until

RULE = """
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: mesh}
spec:
  selector: {matchLabels: {app: mall}}
  jwtRules:
    - issuer: people@example.com
      timeout: 2s
      KEYS
"""
MUST = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: must, namespace: mesh}
spec:
  selector: {matchLabels: {app: mall}}
  rules:
    - from: [{source: {requestPrincipals: ["people@example.com/fox"]}}]
"""


SERVER = """
import http.server, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers["host"] == "keys.mesh.svc.cluster.local:8000" and self.path == "/all?kind=jwks"
        self.send_response(200 if good else 404)
        self.end_headers()
        self.wfile.write(os.environ["KEYS"].encode())
# Where pods share the machine's addresses, HOST says which one is the pod's.
http.server.HTTPServer((os.environ.get("HOST", ""), 8000), Answer).serve_forever()
"""


def issuer_of_keys(text: str) -> str:
    """A Deployment with its Service that tells keys, as JSON."""
    labels = {"app": "keys"}
    container = {
        "name": "keys",
        "image": "keys",
        "command": [sys.executable, "-c", SERVER],
        "env": [{"name": "KEYS", "value": text}],
        "ports": [{"containerPort": 8000}],
        "readinessProbe": {"tcpSocket": {"port": 8000}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metadata = {"name": "keys", "namespace": "mesh"}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    ports = [{"name": "http", "port": 8000}]
    return "\n---\n".join(
        json.dumps(item)
        for item in (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": ports}},
        )
    )


def status(mesh: Mesh, token: str = "") -> int:
    with SyncClientBuilder().no_proxy().build() as client:
        asked = client.get(f"{mesh.gateway}/api/mall")
        return (asked.header("authorization", f"Bearer {token}") if token else asked).build().send().status


def conditions(mesh: Mesh) -> str:
    found = json.loads(mesh.ok("get", "requestauthentication", "tokens", "-o", "json"))
    return json.dumps(found.get("status", {}))


def test_keys_are_fetched_where_the_rule_says(mesh: Mesh) -> None:
    mesh.up()
    people, strangers = Issuer("people@example.com"), Issuer("people@example.com")
    inline = RULE.replace("KEYS", f"jwks: {json.dumps(people.jwks)}")
    mesh.ok("apply", "-f", "-", stdin=f"{inline}---{MUST}")
    until(lambda: status(mesh) == 403)
    assert (status(mesh, people.token()), status(mesh, strangers.token())) == (200, 401)
    assert status(mesh, people.token(sub="wolf")) == 403

    with served("nothing") as port:
        there = f"jwksUri: http://127.0.0.1:{port}/keys"
        mesh.ok("apply", "-f", "-", stdin=RULE.replace("KEYS", there))
        until(lambda: status(mesh, people.token()) == 401)
        until(lambda: "brought no keys" in conditions(mesh))
    with served(people.jwks, port):
        until(lambda: status(mesh, people.token()) == 200)
        until(lambda: "brought no keys" not in conditions(mesh))
        assert status(mesh, strangers.token()) == 401
    # The keys stay when their place does not answer any more.
    assert status(mesh, people.token()) == 200

    # A point that is on no curve, which only Envoy finds out: the last good keys stay in force.
    point = base64.urlsafe_b64encode(b"1" * 32).decode().rstrip("=")
    off = json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": point, "y": point}]})
    refused = mesh.run("apply", "-f", "-", stdin=RULE.replace("KEYS", f"jwks: {json.dumps(off)}"))
    assert refused.code != 0
    assert "RequestAuthentication mesh/tokens: Envoy refused it" in refused.err + refused.out
    assert (status(mesh, people.token()), status(mesh, strangers.token())) == (200, 401)

    broken = mesh.run("apply", "-f", "-", stdin=RULE.replace("KEYS", "jwks: nonsense"))
    assert broken.code != 0
    assert "spec.jwtRules[0].jwks" in broken.err + broken.out
    assert status(mesh, people.token()) == 200
    mesh.ok("delete", "-f", "-", stdin=f"{inline}---{MUST}")
    until(lambda: status(mesh, strangers.token()) == 200)


def test_a_service_of_the_mesh_can_tell_the_keys(mesh: Mesh) -> None:
    mesh.up()
    people, strangers = Issuer("people@example.com"), Issuer("people@example.com")
    there = RULE.replace("KEYS", "jwksUri: http://keys.mesh.svc.cluster.local:8000/all?kind=jwks")
    # The rule and who tells the keys come at once: until that is ready, no token is valid.
    mesh.ok("apply", "-f", "-", stdin=f"{there}\n---\n{issuer_of_keys(people.jwks)}")
    until(lambda: status(mesh, people.token()) == 200, 30)
    assert status(mesh, strangers.token()) == 401
