"""What our services do beyond the contract: context, failures, log, stopping."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.services import Service, Start, end, start_service, unused_address
from tests.support.waiting import until

CONTEXT = {
    "cookie": "a=b; user=fox",
    "x-request-id": "r-1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=1",
    "baggage": "branch=fox",
    "b3": "0",
    "x-b3-traceid": "1",
    "x-b3-spanid": "2",
    "x-b3-parentspanid": "3",
    "x-b3-sampled": "1",
    "x-b3-flags": "0",
    "x-ot-span-context": "4",
    "x-branch": "fox",
}


class Upstream:
    """A recording server: answers what it is told, keeps the headers of every request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        self.body: Any = {str(number): number for number in range(1, 16)}
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                outer.gate.wait(10)
                body = json.dumps(outer.body).encode()
                self.send_response(outer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 64  # A connection that finds the queue full takes a second and more.

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


def test_the_context_and_nothing_else_is_passed_on(start: Start, upstream: Upstream) -> None:
    products = start("products", SALES_URL=upstream.url, STOCK_URL=upstream.url)
    assert products.get("/products?ids=1", **CONTEXT, authorization="secret", x_other="1").status == 200
    assert len(upstream.seen) == 2
    for _, headers in upstream.seen:
        assert {name: headers.get(name) for name in CONTEXT} == CONTEXT
        assert headers.keys() - CONTEXT.keys() <= {"host", "user-agent", "accept", "accept-encoding"}


def test_calls_go_through_the_proxy_that_the_environment_names(start: Start, upstream: Upstream) -> None:
    products = start("products", HTTP_PROXY=upstream.url, NO_PROXY="localhost")
    assert products.get("/products?ids=1").status == 200
    paths = sorted(path for path, _ in upstream.seen)
    assert paths == ["http://sales:7000/sales?ids=1", "http://stock:7000/stock?ids=1"]


@pytest.mark.parametrize(("status", "told"), [(500, 502), (503, 503), (504, 504), (200, 502)])
def test_a_failing_upstream_is_named(start: Start, upstream: Upstream, status: int, told: int) -> None:
    upstream.status = status
    if status == 200:
        upstream.body = ["not", "counts"]
    answer = start("products", SALES_URL=upstream.url, STOCK_URL=upstream.url).get("/products?ids=1")
    assert answer.status == told
    assert answer.json["upstream"] in ("sales", "stock")


def test_an_upstream_that_is_away_or_slow_is_502_or_504(start: Start, upstream: Upstream) -> None:
    away = start("discount", PRODUCTS_URL=unused_address())
    assert away.get("/discount").status == 502
    upstream.gate.clear()
    slow = start("discount", PRODUCTS_URL=upstream.url, CALL_TIMEOUT="0.2")
    assert slow.get("/discount").status == 504


def test_favourites_that_fail_leave_the_products(start: Start, upstream: Upstream) -> None:
    environ = {"SALES_URL": upstream.url, "STOCK_URL": upstream.url, "FAVORITES_URL": unused_address()}
    product = start("products", FAVORITES="true", **environ).get("/products?ids=3").json[0]
    assert "favorites" not in product


@pytest.mark.parametrize("concurrency", ["", "true"])
def test_an_area_that_fails_is_null_and_named(start: Start, concurrency: str) -> None:
    environ = {name: unused_address() for name in ("RECOMMEND_URL", "DISCOUNT_URL")}
    users = start("users")
    mall = start("mall", USERS_URL=users.url, CONCURRENCY=concurrency, **environ)
    answer = mall.get("/api/mall", cookie="user=jason")
    assert answer.status == 200
    body = answer.json
    assert body["user"]["name"] == "jason"
    assert body["recommend"] is None
    assert body["discount"] is None
    assert [(error["area"], error["status"]) for error in body["errors"]] == [
        ("recommend", 502),
        ("discount", 502),
    ]


@pytest.mark.parametrize(("name", "environ"), [("recommend", {"BANNER": "true"}), ("discount", {"BANNER": "1"})])
def test_version_two_brings_the_banner(start: Start, name: str, environ: dict[str, str]) -> None:
    sales, stock, scores = start("sales"), start("stock"), start("scores", SCALE="10")
    products = start("products", SALES_URL=sales.url, STOCK_URL=stock.url)
    service = start(name, PRODUCTS_URL=products.url, SCORES_URL=scores.url, **environ)
    body = service.get(f"/{name}").json
    assert body["banner"] is True
    assert "favorites" not in body["products"][0]
    if name == "recommend":
        assert all(product["score"] >= 820 for product in body["products"])


def test_each_request_is_one_line_of_the_log() -> None:
    service = start_service("sales", {"VERSION": "v7"})
    service.get("/sales?ids=1", x_request_id="abc", baggage="x=1,branch=fox")
    service.get("/sales")
    service.get("/healthz/ready")
    assert service.process is not None
    service.process.terminate()
    assert service.process.stdout is not None
    lines = [json.loads(line) for line in service.process.stdout]
    end(service)
    requests = [line for line in lines if "status" in line]
    assert [(line["path"], line["status"], line["request_id"], line["branch"]) for line in requests] == [
        ("/sales", 200, "abc", "fox"),
        ("/sales", 400, "", "-"),
    ]
    assert {line["version"] for line in requests} == {"v7"}
    assert all(line["ms"] >= 0 for line in requests)


def test_on_sigterm_what_runs_is_finished_and_new_is_refused(start: Start, upstream: Upstream) -> None:
    service = start("products", SALES_URL=upstream.url, STOCK_URL=upstream.url)
    assert service.process is not None
    upstream.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(service.get, "/products?ids=1") for _ in range(4)]
        until(lambda: len(upstream.seen) == 8)
        service.process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(service))
        upstream.gate.set()
        assert [future.result().status for future in running] == [200] * 4
    assert service.process.wait(10) == 0


def _listens(service: Service) -> bool:
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.socket() as tried:
        return tried.connect_ex((host, int(port))) == 0


def test_a_wrong_setting_says_what_would_do() -> None:
    for environ, says in (
        ({"PORT": "x"}, "--port or PORT: 'x' is not a whole number from 0 to 65535"),
        ({"SCALE": "lots"}, "SCALE: 'lots' is not a whole number"),
        ({"CALL_TIMEOUT": "-1"}, "CALL_TIMEOUT"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "mall.scores"],
            env={"PATH": os.environ["PATH"], "PORT": "0", **environ},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 2
        assert says in ended.stderr
