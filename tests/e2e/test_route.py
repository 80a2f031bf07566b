"""`meshmall route` and `meshmall analyze`, typed as a person does."""

import json

from tests.support.mesh import Mesh

BAD = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad, namespace: mesh}
spec:
  hosts: [scores]
  http:
    - route: [{destination: {host: nobody}}]
"""


def test_a_dry_run_says_the_rule_and_analysis_the_mistake(mesh: Mesh) -> None:
    alone = mesh.run("analyze", "-f", "-", stdin=BAD)
    assert alone.code == 1
    assert 'no Service is named "nobody"' in alone.out
    mesh.up()
    fox = ("apply", "-f", mesh.manifest("fox.yaml"), "--wait")
    assert "error" not in mesh.ok("analyze", "-f", mesh.manifest("fox.yaml"))
    mesh.ok(*fox)
    said = mesh.ok("route", "--from", "mall", "--header", "cookie: user=fox", "http://discount:7000/discount")
    assert "match   mesh/discount" in said
    assert "discount-fox" in said
    found = json.loads(mesh.ok("route", "--from", "mall", "-o", "json", "http://discount:7000/discount"))
    assert [row["taken"] for row in found["rows"]][-1] is True
    assert "fox" not in found["destinations"][0]["cluster"]
    wrong = mesh.run("route", "--from", "nobody", "http://discount:7000/")
    assert wrong.code != 0
    assert "there are" in wrong.err


def test_analyze_says_what_the_gateway_api_s_routes_lack(mesh: Mesh) -> None:
    manifest = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door, namespace: mesh}
spec: {gatewayClassName: meshmall, listeners: [{name: http, port: 80, protocol: HTTP, hostname: "*.example.com"}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: mesh}
spec:
  parentRefs: [{name: door}, {name: nix}]
  hostnames: [other.org]
  rules: [{backendRefs: [{name: shop, port: 7000}]}]
"""
    ran = mesh.run("analyze", "--alone", "-f", "-", stdin=manifest)
    assert ran.code == 1
    assert "spec.parentRefs[0]: none of spec.hostnames is within a listener's (*.example.com)" in ran.out
    assert 'spec.parentRefs[1]: there is no Gateway "mesh/nix"' in ran.out
    assert ran.out.count('spec.rules[0].backendRefs[0]: there is no Service "mesh/shop"') == 1
