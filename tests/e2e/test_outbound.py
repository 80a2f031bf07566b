"""`meshmall up --outbound-traffic-policy`: whether pods can call hosts that the mesh does not know."""

import json

import pytest

from mesh.daemon.pod_network import LOOPBACK
from tests.support.inside import Inside
from tests.support.mesh import Mesh
from tests.support.served import own_address, served

CALL = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


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
    inside = Inside.of(mesh)
    # On loopback addresses pods call 127.0.0.1 past the proxy; in namespaces, all of 127.0.0.0/8 is the pod's own.
    address = "127.0.0.2" if inside.mode == LOOPBACK else own_address()
    if not address:
        pytest.skip("this machine has no address outside of loopback")

    def status(port: int) -> int:
        return int(inside.python("caller", CALL, f"http://{address}:{port}/"))

    with served("here", address=address) as port:
        assert status(port) == 502
        mesh.ok("down")
        mesh.up("--empty", "--outbound-traffic-policy", "allow-any")
        mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(caller))
        assert status(port) == 200
        mesh.ok("down")
        mesh.up("--empty")
        mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(caller))
        assert status(port) == 200
