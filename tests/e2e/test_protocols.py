"""Programs that know nothing of proxies, and protocols that are not HTTP/1: Redis, PostgreSQL, gRPC.

They reach services by the variables that Kubernetes gives every container, at the Service's own address.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.support.mesh import Mesh
from tests.support.programs import GREETER, NAMESPACE, address, apply, deployment, service
from tests.support.waiting import until

REDIS = shutil.which("redis-server")
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)), None)


# A program in a pod, which finds Redis as a container does and tells what it read.
READER = """
import os, socket, time
place = os.environ["REDIS_SERVICE_HOST"], int(os.environ["REDIS_SERVICE_PORT"])
with socket.create_connection(place, timeout=20) as held:
    held.sendall(b"*2\\r\\n$3\\r\\nGET\\r\\n$4\\r\\nname\\r\\n")
    print("READ", held.recv(100), flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(REDIS is None, reason="no redis-server on this machine")
def test_redis_is_reached_by_the_service_variables(mesh: Mesh) -> None:
    assert REDIS is not None
    mesh.up("--empty")
    command = [REDIS, "--bind", "$(POD_IP)", "--port", "6379", "--protected-mode", "no", "--save", ""]
    apply(mesh, NAMESPACE, service("redis", 6379, "tcp-redis"), deployment("redis", command, 6379))
    with socket.create_connection((address(mesh, "redis"), 6379), timeout=20) as held:
        held.sendall(b"SET name fox\r\n")
        assert held.recv(100) == b"+OK\r\n"
    reader = deployment("reader", [sys.executable, "-c", READER], 1)
    del reader["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    apply(mesh, reader)
    until(lambda: "READ b'$3\\r\\nfox\\r\\n'" in mesh.ok("logs", "deployment/reader-v1"))


@pytest.fixture
def database() -> Iterator[tuple[Path, list[str]]]:
    """A fresh PostgreSQL's folder, and what goes before a command so that it does not run as root."""
    if POSTGRES is None:
        pytest.skip("no PostgreSQL on this machine")
    with tempfile.TemporaryDirectory(prefix="mesh-pg-") as folder:
        path = Path(folder)
        before: list[str] = []
        if os.getuid() == 0:
            user = next((each for each in ("postgres", "nobody") if _is_user(each)), None)
            if user is None:
                pytest.skip("PostgreSQL does not run as root, and there is no other user")
            before = ["runuser", "-u", user, "--"]
            shutil.chown(path, user)
        data = path / "data"
        init = [str(POSTGRES.with_name("initdb")), "-D", str(data), "-A", "trust", "-U", "shop", "--no-sync"]
        subprocess.run([*before, *init], check=True, capture_output=True, timeout=60, cwd=path)
        yield data, before


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_postgresql_answers_at_its_service_s_address(mesh: Mesh, database: tuple[Path, list[str]]) -> None:
    data, before = database
    psql = shutil.which("psql")
    assert POSTGRES is not None
    assert psql is not None
    mesh.up("--empty")
    command = [*before, str(POSTGRES), "-D", str(data), "-h", "$(POD_IP)", "-k", "", "-c", "fsync=off"]
    apply(mesh, NAMESPACE, service("postgres", 5432, "tcp-postgres"), deployment("postgres", command, 5432))
    words = ["-h", address(mesh, "postgres"), "-U", "shop", "-d", "postgres", "-At", "-c", "select 6 * 7"]
    told = subprocess.run([psql, *words], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout == "42\n"


BY_HEADER = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "greeter", "namespace": "mesh"},
    "spec": {
        "hosts": ["greeter"],
        "http": [
            {
                "match": [{"headers": {"user": {"exact": "fox"}}, "uri": {"prefix": "/shop.Greeter/"}}],
                "route": [{"destination": {"host": "greeter", "subset": "v2"}}],
            },
            {
                "match": [{"headers": {"user": {"exact": "nobody"}}}],
                "fault": {"abort": {"grpcStatus": "PERMISSION_DENIED", "percentage": {"value": 100}}},
                "route": [{"destination": {"host": "greeter", "subset": "v1"}}],
            },
            {"route": [{"destination": {"host": "greeter", "subset": "v1"}}]},
        ],
    },
}
SUBSETS = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "greeter", "namespace": "mesh"},
    "spec": {"host": "greeter", "subsets": [{"name": each, "labels": {"version": each}} for each in ("v1", "v2")]},
}


def test_grpc_calls_follow_the_rules(mesh: Mesh) -> None:
    mesh.up("--empty")
    command = [sys.executable, "-c", GREETER]
    versions = [deployment("greeter", command, 9000, each, SAYS=each) for each in ("v1", "v2")]
    apply(mesh, NAMESPACE, service("greeter", 9000, "grpc"), *versions, SUBSETS, BY_HEADER)
    with grpc.insecure_channel(f"{address(mesh, 'greeter')}:9000") as channel:
        hello = channel.unary_unary("/shop.Greeter/Hello")
        assert hello(b"a", timeout=20) == b"v1 a"
        assert hello(b"b", timeout=20, metadata=[("user", "fox")]) == b"v2 b"
        with pytest.raises(grpc.RpcError) as refused:
            hello(b"c", timeout=20, metadata=[("user", "nobody")])
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
