"""What a person sees of the mesh's requests: trace, top, load, metrics, and spans at a collector."""

import http.server
import json
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from pyreqwest.client import SyncClientBuilder

from tests.support.mesh import Mesh
from tests.support.waiting import until

MakeMesh = Callable[[], Mesh]


class Collector:
    """An OTLP receiver; `spans` are those that came, each with its service."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf":
                    outer.take(raw)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def take(self, raw: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            names = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
            for scope in resource.instrumentation_library_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


def api(mesh: Mesh, path: str, *, token: str | None = None) -> tuple[int, str]:
    url = json.loads((mesh.home / "run" / "api.json").read_text())["server"]
    given = (mesh.home / "token").read_text().strip() if token is None else token
    request = urllib.request.Request(url + path, headers={"authorization": f"Bearer {given}"})
    tls = ssl.create_default_context(cafile=str(mesh.home / "pki" / "ca.crt"))
    try:
        with urllib.request.urlopen(request, context=tls, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def answered(spans: list[dict[str, Any]]) -> list[str]:
    return sorted(span["destination"]["workload"] for span in spans)


# Who answers for fox's page: its own products is asked by recommend and by discount.
PRODUCTS = ("products-fox", "sales-v1", "stock-v1", "favorites-fox")
FOX = sorted(("mall-v1", "users-v1", "recommend-v1", "scores-v1", "discount-fox", *PRODUCTS, *PRODUCTS))


def test_a_person_looks_at_requests(new_mesh: MakeMesh, collector: Collector) -> None:
    mesh = new_mesh()
    mesh.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.server.server_address[1]}"
    mesh.up()
    mesh.ok("apply", "-f", mesh.manifest("fox.yaml"), "--wait")
    nothing = mesh.run("trace")
    assert (nothing.code, "no request yet" in nothing.err) == (1, True)

    # fox's page, asked by another program; then looked at.
    mesh.mall("user=fox")
    until(lambda: mesh.run("trace").code == 0)
    until(lambda: len(json.loads(mesh.ok("trace", "-o", "json"))) == 13)
    spans = json.loads(mesh.ok("trace", "-o", "json"))
    assert answered(spans) == FOX
    assert [span["parent"] for span in spans].count(None) == 1
    shown = mesh.ok("trace")
    for text in ("mall v1", "discount v2", "products v2", "favorites v1", "by mesh/products[fox]"):
        assert text in shown
    assert shown.count("products v2") == 2

    # The same, sent by the command; and another as nobody.
    assert answered(json.loads(mesh.ok("trace", "/api/mall", "-H", "cookie: user=fox", "-o", "json"))) == FOX
    plain = json.loads(mesh.ok("trace", f"{mesh.gateway}/api/mall", "-o", "json"))
    assert {span["destination"]["version"] for span in plain} == {"v1"}
    named = json.loads(mesh.ok("trace", "--id", plain[0]["requestId"], "-o", "json"))
    assert answered(named) == answered(plain)
    assert mesh.run("trace", "ftp://x").code == 2
    assert "does not answer" in mesh.run("trace", f"http://{mesh.address}:1/").err

    # A collector got the same tree, the gateway first.
    expected = spans[0]["traceId"]
    until(lambda: sum(span.trace_id.hex() == expected for _, span in collector.spans) == 13)
    mine = {span.span_id: (service, span) for service, span in collector.spans if span.trace_id.hex() == expected}
    roots = [service for service, span in mine.values() if not span.parent_span_id]
    assert roots == ["gateway"]
    calls = sorted(
        (mine[span.parent_span_id][1].name.rpartition("/")[2], span.name.rpartition("/")[2])
        for _, span in mine.values()
        if span.parent_span_id
    )
    assert calls == sorted(
        [("mall", "users"), ("mall", "recommend"), ("mall", "discount")]
        + [("recommend", "products"), ("recommend", "scores"), ("discount", "products")]
        + 2 * [("products", "sales"), ("products", "stock"), ("products", "favorites")]
    )
    attributes = [{a.key: a.value.string_value for a in span.attributes} for _, span in mine.values()]
    assert sorted(attribute["mesh.destination.workload"] for attribute in attributes) == FOX

    # A branch is told of every hop, and of the pods that are its own.
    mesh.ok("branch", "create", "gus", "--fork", "products")
    entered = json.loads(mesh.ok("trace", "/api/mall", "--branch", "gus", "-o", "json"))
    expected = entered[0]["traceId"]
    until(lambda: sum(span.trace_id.hex() == expected for _, span in collector.spans) == len(entered) == 10)
    told = [
        {a.key: a.value.string_value for a in span.attributes}
        for _, span in collector.spans
        if span.trace_id.hex() == expected
    ]
    assert {item["mesh.branch"] for item in told} == {"gus"}
    assert [item["mesh.destination.service"] for item in told if "mesh.destination.branch" in item] == 2 * [
        "mesh/products"
    ]

    # Prometheus' parser reads the metrics; without the token nobody does.
    assert api(mesh, "/metrics", token="wrong")[0] == 401
    status, text = api(mesh, "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert status == 200
    counted = {
        (sample.labels["source_workload"], sample.labels["destination_workload"], sample.labels["branch"]): sample.value
        for sample in families["istio_requests"].samples
        if sample.labels["reporter"] == "destination" and sample.labels["response_code"] == "200"
    }
    assert counted["discount-fox", "products-fox", ""] == 2
    assert counted["istio-ingressgateway", "mall-v1", ""] == 3
    assert counted["recommend-v1", "products-gus", "gus"] >= 1
    assert {"istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"} <= families.keys()


def test_load_is_seen_in_top(new_mesh: MakeMesh) -> None:
    mesh = new_mesh()
    mesh.up()
    mesh.ok("branch", "create", "gus", "--fork", "products")
    told = json.loads(mesh.ok("load", "--seconds", "2", "--rate", "30", "-o", "json"))
    assert told["all"]["failed"] == 0
    assert told["all"]["requests"] > 10
    assert "branch gus" in {visitor["who"] for visitor in told["visitors"]}
    rows = {row["service"]: row for row in json.loads(mesh.ok("top", "-o", "json"))}
    assert rows["mesh/mall"]["requests"] > 10
    assert rows["mesh/mall"]["p50"] > 0
    assert rows["mesh/products"]["memory"] > 1 << 20
    assert rows["mesh/products"]["pods"] == 2
    shown = mesh.ok("top", "--once")
    assert shown.startswith("SERVICE")
    assert "mesh/products" in shown

    # What fails is told, by whom and where.
    deployment = json.loads(mesh.ok("get", "deployment", "mall-v1", "-o", "json"))
    deployment["spec"]["replicas"] = 0
    mesh.ok(
        "apply", "-f", "-", stdin=json.dumps({k: deployment[k] for k in ("apiVersion", "kind", "metadata", "spec")})
    )
    with SyncClientBuilder().no_proxy().build() as client:
        until(lambda: client.get(mesh.gateway).build().send().status == 503)
    failing = mesh.run("load", "--seconds", "1", "--branch", "gus")
    assert failing.code == 1
    assert "503" in failing.err
    for words in (("--seconds", "0"), ("--rate", "1000"), ("--users", "65")):
        assert mesh.run("load", *words).code == 2
    assert "no branch" in mesh.run("load", "--branch", "nobody").err


def test_a_collector_s_address_that_is_none_ends_the_start(new_mesh: MakeMesh) -> None:
    mesh = new_mesh()
    mesh.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector:4318"
    ran = mesh.run("up", "--address", mesh.address, "--empty")
    assert ran.code != 0
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in ran.err


def test_a_service_without_pods_keeps_its_name_and_a_restart_brings_new_pods(demo: Mesh) -> None:
    before = demo.ok("get", "pods", "-l", "app=stock,version=v1", "-o", "name")
    assert demo.ok("restart", "stock-v1") == "deployment.apps/stock-v1 restarted\n"
    after = demo.ok("get", "pods", "-l", "app=stock,version=v1", "-o", "json")
    (running,) = [pod for pod in json.loads(after)["items"] if "deletionTimestamp" not in pod["metadata"]]
    assert f"pod/{running['metadata']['name']}\n" != before
    described = demo.ok("describe", "pod", running["metadata"]["name"])
    assert "stock       running   0" in described
    demo.ok("delete", "deployment", "stock-v1")
    try:
        until(lambda: "(no pod was ready to answer)" in demo.ok("trace", "/api/products"))
        assert "stock GET /stock 503" in demo.ok("trace", "/api/products")
    finally:
        demo.ok("apply", "-f", demo.manifest("mesh-mall-v1.yaml"), "--wait")
