"""`meshmall up --outbound-traffic-policy`: whether pods can call hosts that the mesh does not know."""

import json

from pyreqwest.client import SyncClientBuilder
from pyreqwest.proxy import ProxyBuilder

from tests.support.mesh import Mesh
from tests.support.served import served


def test_the_setting_is_kept_for_the_next_start(mesh: Mesh) -> None:
    mesh.up("--empty")
    program = {"name": "c", "image": "c", "command": ["sleep", "1000"]}
    labels = {"app": "caller"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [program]}},
    }
    caller = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "caller", "namespace": "mesh"},
        "spec": spec,
    }
    mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(caller))

    def status(port: int) -> int:
        pods = json.loads(mesh.ok("get", "pods", "-o", "json"))
        proxy = ProxyBuilder.http(f"http://{pods['items'][0]['status']['podIP']}:15001")
        with SyncClientBuilder().proxy(proxy).build() as client:
            return client.get(f"http://127.0.0.1:{port}/").build().send().status

    with served("here") as port:
        assert status(port) == 502
        mesh.ok("down")
        mesh.up("--empty", "--outbound-traffic-policy", "allow-any")
        mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(caller))
        assert status(port) == 200
        mesh.ok("down")
        mesh.up("--empty")
        mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(caller))
        assert status(port) == 200
