"""A system with everything that public systems' manifests contain is applied as it is, and its pods become ready."""

import json
import sys

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.mesh import Mesh
from tests.support.places import ROOT
from tests.support.waiting import until

MANIFEST = ROOT / "tests/e2e/constructs/system.yaml"
LIMIT = 120.0
# grpc.health.v1.HealthCheckResponse with status SERVING, for any request.
HEALTH = """
from concurrent import futures
import grpc
serving = grpc.unary_unary_rpc_method_handler(lambda request, context: bytes([8, 1]))
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": serving}),))
server.add_insecure_port("0.0.0.0:50051")
server.start()
server.wait_for_termination()
"""

POSSIBLE = can_use_namespaces()
pytestmark = pytest.mark.skipif(
    isinstance(POSSIBLE, Unavailable),
    reason=f"no network namespaces here: {POSSIBLE.reason if isinstance(POSSIBLE, Unavailable) else ''}",
)


def test_everything_is_accepted_and_becomes_ready(mesh: Mesh) -> None:
    mesh.up("--empty", "--network", "namespaces")
    program = json.dumps(HEALTH)[1:-1]
    mesh.ok(
        "apply", "-f", "-", stdin=MANIFEST.read_text().replace("@PYTHON@", sys.executable).replace("@GRPC@", program)
    )

    def get(what: str, *words: str) -> str:
        return mesh.ok("get", what, "-n", "plant", *words)

    def row(what: str, name: str) -> list[str]:
        return next(line.split() for line in get(what).splitlines() if line.startswith(name))

    def all_ready() -> bool:
        rows = [line.split() for line in get("pods").splitlines()[1:]]
        return len(rows) >= 5 and all(
            state == "Completed" or (state == "Running" and len(set(ready.split("/"))) == 1)
            for _, ready, state, *_ in rows
        )

    until(all_ready, LIMIT, lambda: f"{get('pods')}\n{mesh.run('status').err}")
    assert row("job", "migrate")[1:3] == ["Complete", "1/1"]
    assert row("statefulset", "database")[1] == "1/1"
    assert row("pods", "shop")[1] == "2/2"
    log = mesh.ok("logs", "deployment/shop", "-n", "plant", "-c", "shop")
    assert "greeting=hello password=sesame name=shop cpu=2 team=fruit" in log
    assert "state=prepared colour=green joined=app.properties greeting password token" in log
    assert "migrated" in mesh.ok("logs", "job/migrate", "-n", "plant")
    assert "Bound" in get("persistentvolumeclaim")
    assert row("cronjob", "nightly")[-1] != ""
    assert "UDP" in " ".join(row("service", "metrics"))
    # Nothing that is wrong is left to be told.
    mesh.ok("status")
