"""Rules of the other kinds through the whole mesh: applied as a user does, seen by real requests."""

import base64
import json
import socket
import ssl

from tests.support.certificates import certificate
from tests.support.mesh import Mesh
from tests.support.waiting import until

SECURE = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: secure, namespace: mesh}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 443, name: https, protocol: HTTPS}
      hosts: [shop.example.com]
      tls: {mode: SIMPLE, credentialName: shop-tls}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: secure, namespace: mesh}
spec:
  hosts: [shop.example.com]
  gateways: [secure]
  http:
    - route: [{destination: {host: mall, subset: v1}}]
"""
CLOSED = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: mesh}
spec:
  selector: {matchLabels: {app: discount}}
  action: DENY
  rules:
    - to: [{operation: {methods: [GET]}}]
"""


def status_over_tls(mesh: Mesh, trusted: str) -> int:
    """The status of the mall's page over HTTPS, by a client that trusts one certificate alone."""
    context = ssl.create_default_context(cadata=trusted)
    with (
        socket.create_connection((mesh.address, 8443), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="shop.example.com") as held,
    ):
        held.sendall(b"GET /api/mall HTTP/1.1\r\nhost: shop.example.com:8443\r\nconnection: close\r\n\r\n")
        answer = b""
        while piece := held.recv(65536):
            answer += piece
    return int(answer.split(b" ")[1])


def test_https_with_a_secret_and_a_policy_that_closes_a_service(mesh: Mesh) -> None:
    mesh.up()
    public, private = certificate("shop.example.com")
    pairs = {"tls.crt": public, "tls.key": private}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shop-tls", "namespace": "mesh"},
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in pairs.items()},
    }
    mesh.ok("apply", "-f", "-", stdin=SECURE + "---\n" + json.dumps(secret))
    until(lambda: status_over_tls(mesh, public) == 200)
    assert mesh.mall("user=xx")["discount"] is not None
    mesh.ok("apply", "-f", "-", stdin=CLOSED)
    until(lambda: mesh.mall("user=xx")["discount"] is None)
    said = mesh.ok("route", "--from", "mall", "http://discount:7000/discount")
    assert "an AuthorizationPolicy denies it: 403" in said
    assert "closed" in mesh.ok("get", "authorizationpolicies")
    mesh.ok("delete", "-f", "-", stdin=CLOSED)
    until(lambda: mesh.mall("user=xx")["discount"] is not None)
