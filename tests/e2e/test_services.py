"""Services in the forms that manifests of real systems bring, as pods meet them, in both network modes.

By name without a protocol, under an alias, without a selector, headless; and a volume that outlives its pod.
"""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.inside import MODES, Inside, require
from tests.support.mesh import meshes
from tests.support.programs import NAMESPACE, deployment, service
from tests.support.waiting import until

WEB = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["SAYS"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
"""
OTHER = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
# The addresses of each name; True where there is no such name.
RESOLVE = """
import json, socket, sys
answers = {}
for name in sys.argv[1:]:
    try:
        places = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
        answers[name] = sorted({place[0] for *_, place in places})
    except socket.gaierror as error:
        answers[name] = error.errno == socket.EAI_NONAME
print(json.dumps(answers))
"""


def sleeper(name: str, **more: Any) -> dict[str, Any]:
    """A Deployment whose pod waits for commands."""
    body = deployment(name, ["sleep", "infinity"], 1, **more)
    del body["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    return body


def plain(kind: str, name: str, namespace: str = "mesh", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **more}


@pytest.fixture(scope="module", params=MODES)
def pods(request: pytest.FixtureRequest) -> Iterator[Inside]:
    """Web servers, one of them behind a port that says nothing of its protocol, and a pod to call them from."""
    require(request.param)
    with meshes() as make:
        mesh = make()
        inside = Inside(mesh, request.param)
        mesh.up("--empty", "--network", request.param)
        command = [sys.executable, "-c", WEB, inside.listen]
        store = deployment("store", command, 8080, SAYS="store")
        store["metadata"]["namespace"] = "other"
        inside.apply(
            NAMESPACE,
            OTHER,
            plain(
                "Service",
                "web",
                spec={
                    "type": "NodePort",
                    "selector": {"app": "web"},
                    "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30091}],
                },
            ),
            deployment("web", command, 8080, SAYS="web"),
            {**service("store", 80, "web", targetPort=8080), "metadata": {"name": "store", "namespace": "other"}},
            store,
            plain("Service", "pods", spec={"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 8080}]}),
            sleeper("client"),
        )
        yield inside


def get(pods: Inside, url: str, *options: str) -> str:
    """What curl in the client's pod gets; on loopback addresses curl follows `http_proxy`."""
    return pods.run("client-v1", "curl", "-s", *options, url)


def from_outside(pods: Inside, *options: str) -> str:
    """What curl on the host gets at the NodePort."""
    command = ["curl", "-s", *options, f"http://{pods.mesh.address}:30091/"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def test_a_branch_answers_behind_a_port_that_has_no_name(pods: Inside) -> None:
    pods.mesh.ok("branch", "create", "fox", "--cookie", "user=fox", "--fork", "web", "--env", "SAYS=fork", "--no-wait")
    until(lambda: from_outside(pods, "-H", "cookie: user=fox") == "fork")
    assert from_outside(pods) == "web"
    assert get(pods, "http://web/", "-H", "x-branch: fox") == "fork"
    assert get(pods, "http://web/") == "web"
    if pods.named:
        address = pods.run("client-v1", "printenv", "WEB_SERVICE_HOST").strip()
        assert get(pods, f"http://{address}/", "-H", "baggage: branch=fox") == "fork"
    pods.mesh.ok("branch", "delete", "fox")


def test_an_alias_leads_to_the_service_that_it_names_and_meets_its_rules(pods: Inside) -> None:
    pods.apply(
        plain("Service", "shelf", spec={"type": "ExternalName", "externalName": "store.other.svc.cluster.local"}),
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "store", "namespace": "other"},
            "spec": {
                "hosts": ["store"],
                "http": [
                    {
                        "match": [{"uri": {"exact": "/rule"}}],
                        "directResponse": {"status": 200, "body": {"string": "rule"}},
                    },
                    {"route": [{"destination": {"host": "store"}}]},
                ],
            },
        },
    )
    for name in ("shelf", "shelf.mesh", "shelf.mesh.svc.cluster.local", "store.other"):
        assert get(pods, f"http://{name}/") == "store"
        assert get(pods, f"http://{name}/rule") == "rule"


class Outside(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "7")
        self.end_headers()
        self.wfile.write(b"outside")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def outside() -> Iterator[tuple[str, int]]:
    """A process that is no pod's, such as a developer's own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_addresses_written_by_hand_are_called(pods: Inside, outside: tuple[str, int]) -> None:
    address, port = outside
    pods.apply(
        plain("Service", "by-hand", spec={"ports": [{"name": "web", "port": 80}]}),
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "by-hand-1",
                "namespace": "mesh",
                "labels": {"kubernetes.io/service-name": "by-hand"},
            },
            "addressType": "IPv4",
            "ports": [{"name": "web", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address]}],
        },
    )
    until(lambda: get(pods, "http://by-hand/") == "outside")
    subset = {"addresses": [{"ip": address}], "ports": [{"name": "web", "port": port}]}
    pods.apply(
        plain("Service", "by-hand-too", spec={"ports": [{"name": "web", "port": 80}]}),
        plain("Endpoints", "by-hand-too", subsets=[subset]),
    )
    until(lambda: get(pods, "http://by-hand-too/") == "outside")


def test_a_claimed_volume_outlives_the_pod(pods: Inside) -> None:
    claim = plain(
        "PersistentVolumeClaim",
        "data",
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    )
    body = sleeper("keeper")
    spec = body["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/keeper"}]
    pods.apply(claim, body)
    folder = "/var/lib/keeper" if pods.named else "$MESHMALL_VOLUME_DATA"
    pods.run("keeper-v1", "sh", "-c", f"echo stays > {folder}/note")
    pods.kubectl("delete", "pod", "-n", "mesh", "-l", "app=keeper")
    pods.kubectl("rollout", "status", "deployment/keeper-v1", "-n", "mesh", "--timeout=60s")
    assert pods.run("keeper-v1", "sh", "-c", f"cat {folder}/note") == "stays\n"


def test_names_resolve_as_on_a_cluster(pods: Inside) -> None:
    if not pods.named:
        pytest.skip("names mean something to the proxy alone on loopback addresses")
    services = {
        body["metadata"]["name"]: body for body in json.loads(pods.kubectl("get", "svc", "-A", "-o", "json"))["items"]
    }
    web, store = (services[name]["spec"]["clusterIP"] for name in ("web", "store"))
    pod = pods.kubectl("get", "pods", "-n", "mesh", "-l", "app=web", "-o", "jsonpath={.items[0].status.podIP}")
    names = ("web", "web.mesh", "web.mesh.svc", "web.mesh.svc.cluster.local", "web.mesh.svc.cluster.local.")
    expected = {
        **{name: [web] for name in names},
        "store.other": [store],
        "store": True,  # of another namespace
        "pods": [pod],
        "no-such": True,
        "host.meshmall.internal": ["10.244.0.2"],
    }
    assert json.loads(pods.python("client-v1", RESOLVE, *expected)) == expected


GREEDY = """
import socket, sys
socket.create_server(("0.0.0.0", int(sys.argv[1])))
"""


def test_on_loopback_addresses_a_port_that_is_taken_is_explained(pods: Inside, outside: tuple[str, int]) -> None:
    if pods.named:
        pytest.skip("in namespaces every pod has all ports")
    _, port = outside
    greedy = sleeper("greedy")
    greedy["spec"]["template"]["spec"]["containers"][0]["command"] = [sys.executable, "-c", GREEDY, str(port)]
    pods.mesh.ok("apply", "-f", "-", stdin=yaml.safe_dump(greedy))
    logs = until(lambda: (ran := pods.mesh.run("logs", "deployment/greedy-v1")) and "hint:" in ran.err and ran)
    assert logs
    assert "Address already in use" in logs.out
    assert "--network namespaces" in logs.err
    assert "loopback (chosen with --network loopback); missing: " in pods.mesh.run("status").out
