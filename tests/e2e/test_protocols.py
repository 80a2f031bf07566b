"""Programs that know nothing of proxies, and protocols that are not HTTP/1, in both network modes.

In namespaces clients find services by name. On loopback addresses they take a Service's own address, which Kubernetes
puts into every container's environment; gRPC's clients follow `http_proxy` there, and open a tunnel with CONNECT.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.inside import MODES, Inside, node_packages, require
from tests.support.mesh import meshes
from tests.support.objects import body, rule, to
from tests.support.programs import NAMESPACE, deployment, service
from tests.support.waiting import until

REDIS = shutil.which("redis-server")
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)), None)
PSQL = shutil.which("psql")
UPLOAD = 20_000_000

# gRPC: says which version it is, and what it was asked.
ORDERS = """
import os, sys
from concurrent import futures
import grpc

def hello(request, context):
    return os.environ["SAYS"].encode() + b" " + request

methods = {"Hello": grpc.unary_unary_rpc_method_handler(hello)}
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", methods),))
server.add_insecure_port(sys.argv[1] + ":50051")
server.start()
server.wait_for_termination()
"""
GRPC_CLIENT = """
import json, sys
import grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    hello = channel.unary_unary("/shop.Orders/Hello")
    answers = []
    for user in ("jason", "fox", "nobody"):
        try:
            answers.append(hello(b"a", timeout=20, metadata=[("user", user)]).decode())
        except grpc.RpcError as error:
            answers.append(error.code().name)
print(json.dumps(answers))
"""
GRPC_JS_CLIENT = """
const grpc = require('@grpc/grpc-js');
const plain = (bytes) => bytes;
const client = new grpc.Client(process.argv[1], grpc.credentials.createInsecure());
const ask = (user) => new Promise((resolve) => {
  const metadata = new grpc.Metadata();
  metadata.set('user', user);
  const options = { deadline: Date.now() + 20000 };
  client.makeUnaryRequest('/shop.Orders/Hello', plain, plain, Buffer.from('a'), metadata, options,
    (error, answer) => resolve(error ? grpc.status[error.code] : answer.toString()));
});
(async () => {
  console.log(JSON.stringify([await ask('jason'), await ask('fox'), await ask('nobody')]));
  client.close();
})();
"""

WEB = """
import asyncio, sys
from aiohttp import web

async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket

async def upload(request):
    size = 0
    async for chunk in request.content.iter_chunked(1 << 16):
        size += len(chunk)
    return web.Response(text=str(size))

async def main():
    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.get("/echo", echo), web.post("/upload", upload)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, sys.argv[1], 8080).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""
# The server speaks first, as in SMTP and MySQL.
MAIL = """
import socketserver, sys

class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 ready\\r\\n")
        self.wfile.write(b"250 " + self.rfile.readline())

socketserver.ThreadingTCPServer((sys.argv[1], 2525), Session).serve_forever()
"""
WEB_CLIENT = """
import asyncio, sys
import aiohttp

async def main():
    url = "http://" + sys.argv[1]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "/echo") as socket:
            await socket.send_str("through")
            print(await socket.receive_str())
        async with session.post(url + "/upload", data=b"x" * int(sys.argv[2])) as answer:
            print(answer.status, await answer.text())

asyncio.run(main())
"""
MAIL_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as mail, mail.makefile("rb") as lines:
    print(lines.readline())
    mail.sendall(b"HELO fox\\r\\n")
    print(lines.readline())
"""
REDIS_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], 6379), timeout=20) as redis, redis.makefile("rb") as lines:
    redis.sendall(b"SET name fox\\r\\n")
    print(lines.readline())
    redis.sendall(b"*2\\r\\n$3\\r\\nGET\\r\\n$4\\r\\nname\\r\\n")
    print(lines.readline(), lines.readline())
"""

RULES: tuple[dict[str, Any], ...] = (
    body(
        "DestinationRule",
        "orders",
        host="orders",
        subsets=[{"name": v, "labels": {"version": v}} for v in ("v1", "v2")],
    ),
    rule(
        "orders",
        "orders",
        to("orders:v2", match=[{"headers": {"user": {"exact": "fox"}}, "uri": {"prefix": "/shop.Orders/"}}]),
        to(
            "orders:v1",
            match=[{"headers": {"user": {"exact": "nobody"}}}],
            fault={"abort": {"grpcStatus": "PERMISSION_DENIED", "percentage": {"value": 100}}},
        ),
        to("orders:v1"),
    ),
)


@pytest.fixture(scope="module", params=MODES)
def pods(request: pytest.FixtureRequest) -> Iterator[Inside]:
    """A mesh with a gRPC service, a web service with mail, and a pod to call them from."""
    require(request.param)
    with meshes() as make:
        mesh = make()
        inside = Inside(mesh, request.param)
        mesh.up("--empty", "--network", request.param)
        python = [sys.executable, "-c"]
        client = deployment("client", ["sleep", "infinity"], 1)
        del client["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
        inside.apply(
            NAMESPACE,
            service("orders", 50051, "grpc"),
            *(deployment("orders", [*python, ORDERS, inside.listen], 50051, v, SAYS=v) for v in ("v1", "v2")),
            *RULES,
            service("web", 80, "web", targetPort=8080),
            deployment("web", [*python, WEB, inside.listen], 8080),
            service("mail", 25, "tcp-smtp", targetPort=2525),
            deployment("mail", [*python, MAIL, inside.listen], 2525),
            client,
        )
        yield inside


def calls(pods: Inside, service: str) -> list[dict[str, Any]]:
    """The topology's edges from the client to the versions of a service, once there are any."""

    def edges() -> list[dict[str, Any]]:
        graph = pods.api("/mesh/v1/topology?window=300")
        return [edge for edge in graph["edges"] if (edge["source"], edge["target"]) == ("mesh/client", service)]

    return until(edges, what=f"a call of client's to {service} in the topology")


def requests(pods: Inside, service: str) -> int:
    return sum(edge["requests"] for edge in calls(pods, service))


def assert_bytes_are_counted(pods: Inside, service: str) -> None:
    """In the topology, with the caller, where connections are captured."""
    if pods.named:
        until(
            lambda: all(
                min(edge["tcp"][way] for way in ("sentBytes", "receivedBytes")) for edge in calls(pods, service)
            )
        )
        (edge,) = calls(pods, service)
        assert edge["tcp"]["connections"] >= 1
        assert edge["tcp"]["failed"] == 0


@pytest.mark.skipif(REDIS is None, reason="no redis-server on this machine")
def test_redis(pods: Inside) -> None:
    assert REDIS is not None
    command = [REDIS, "--bind", pods.listen, "--port", "6379", "--protected-mode", "no", "--save", ""]
    pods.apply(service("redis", 6379, "tcp-redis"), deployment("redis", command, 6379))
    assert pods.python("client-v1", REDIS_CLIENT, pods.host("redis")) == "b'+OK\\r\\n'\nb'$3\\r\\n' b'fox\\r\\n'\n"
    assert_bytes_are_counted(pods, "mesh/redis")


@pytest.fixture
def database(pods: Inside) -> Iterator[dict[str, Any]]:
    """PostgreSQL, which does not run as root: pods in namespaces never do, elsewhere another user is taken."""
    if POSTGRES is None or PSQL is None:
        pytest.skip("no PostgreSQL on this machine")
    init = [str(POSTGRES.with_name("initdb")), "-A", "trust", "-U", "shop", "--no-sync", "-D"]
    if pods.named:
        # As an image's entrypoint does it, in a volume.
        data = "/var/lib/shop/data"
        server = f"exec {POSTGRES} -D {data} -h {pods.listen} -k '' -c fsync=off"
        script = f"{' '.join(init)} {data} && echo host all all all trust >> {data}/pg_hba.conf && {server}"
        body = deployment("postgres", ["sh", "-c", script], 5432)
        spec = body["spec"]["template"]["spec"]
        spec["volumes"] = [{"name": "data", "emptyDir": {}}]
        spec["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/shop"}]
        yield body
        return
    with tempfile.TemporaryDirectory(prefix="mesh-pg-") as folder:
        path = Path(folder)
        before: list[str] = []
        if os.getuid() == 0:
            user = next((name for name in ("postgres", "nobody") if _is_user(name)), None)
            if user is None:
                pytest.skip("PostgreSQL does not run as root, and there is no other user")
            before = ["runuser", "-u", user, "--"]
            shutil.chown(path, user)
        data = str(path / "data")
        subprocess.run([*before, *init, data], check=True, capture_output=True, timeout=60, cwd=path)
        options = ["-h", pods.listen, "-k", "", "-c", "fsync=off"]
        yield deployment("postgres", [*before, str(POSTGRES), "-D", data, *options], 5432)
        # The server must not outlive its folder.
        pods.kubectl("delete", "deployment", "postgres-v1", "-n", "mesh", "--cascade=foreground")


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_postgresql(pods: Inside, database: dict[str, Any]) -> None:
    assert PSQL is not None
    pods.apply(service("postgres", 5432, "tcp-postgres"), database)
    words = ["-h", pods.host("postgres"), "-U", "shop", "-d", "postgres", "-At", "-c", "select 6 * 7"]
    assert pods.run("client-v1", PSQL, *words) == "42\n"
    assert_bytes_are_counted(pods, "mesh/postgres")


def test_a_server_that_speaks_first(pods: Inside) -> None:
    said = pods.python("client-v1", MAIL_CLIENT, pods.host("mail"), "25")
    assert said == "b'220 ready\\r\\n'\nb'250 HELO fox\\r\\n'\n"
    assert_bytes_are_counted(pods, "mesh/mail")


def test_websocket_and_a_long_upload(pods: Inside) -> None:
    assert pods.python("client-v1", WEB_CLIENT, f"{pods.host('web')}:80", str(UPLOAD)) == f"THROUGH\n200 {UPLOAD}\n"
    if pods.named:
        until(lambda: requests(pods, "mesh/web") == 2)


def test_grpc_calls_follow_the_rules(pods: Inside) -> None:
    said = pods.python("client-v1", GRPC_CLIENT, "orders:50051")
    assert json.loads(said) == ["v1 a", "v2 a", "PERMISSION_DENIED"]
    until(lambda: requests(pods, "mesh/orders") == 3)  # what a fault answers is named after whom it was meant for
    assert pods.callers("orders") == {"mesh/client"}


def test_grpc_js_calls_follow_the_rules(pods: Inside, tmp_path_factory: pytest.TempPathFactory) -> None:
    modules = node_packages(tmp_path_factory.mktemp("npm"), "@grpc/grpc-js")
    node = deployment("node", ["sleep", "infinity"], 1, NODE_PATH=str(modules))
    del node["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    pods.apply(node)
    said = pods.run("node-v1", "node", "-e", GRPC_JS_CLIENT, "orders:50051")
    assert json.loads(said) == ["v1 a", "v2 a", "PERMISSION_DENIED"]
