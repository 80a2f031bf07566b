"""A daemon's stand-in for what a real mesh does not show on demand: thousands of branches, refusals, a broken stream.

It serves the console's files and answers of the shapes that the daemon's have.
"""

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import mesh

STATIC = Path(mesh.__file__).parent / "console" / "static"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
Json = dict[str, Any]


class StandIn:
    """Answers by path from `answers` (a body, a text, or a function of the query), tells `tell` to all open streams.

    `refused` answers everything with that status, `asked` holds each request as "METHOD path", `sent` the bodies of
    requests that had one.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.refused = 0
        self.asked: list[str] = []
        self.sent: list[Json] = []
        self._streams: list[queue.SimpleQueue[bytes | None]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def tell(self, event: str, body: Json) -> None:
        for stream in self._streams:
            stream.put(f"event: {event}\ndata: {json.dumps(body)}\n\n".encode())

    def hang_up(self) -> None:
        """Ends all open streams."""
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.put(None)

    def close(self) -> None:
        self.hang_up()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(outer) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                outer.asked.append(f"{self.command} {self.path}")
                if length := int(self.headers.get("content-length") or 0):
                    outer.sent.append(json.loads(self.rfile.read(length)))
                file = STATIC / (parts.path.lstrip("/") or "index.html")
                if file.is_file() and STATIC in file.resolve().parents:
                    self._send(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
                elif outer.refused:
                    self._json(outer.refused, {"detail": "not signed in"})
                elif parts.path == "/mesh/v1/stream":
                    self._stream()
                else:
                    self._answer(parts.path, dict(parse_qsl(parts.query)))

            do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def _answer(self, path: str, query: dict[str, str]) -> None:
                found = outer.answers.get(path)
                if found is None:
                    self._json(404, {"message": f"nothing at {path}"})
                elif isinstance(found, str):
                    self._send(200, found.encode(), "text/plain")
                else:
                    self._json(200, found(query) if callable(found) else found)

            def _json(self, status: int, body: Json) -> None:
                self._send(status, json.dumps(body).encode(), "application/json")

            def _send(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-security-policy", POLICY)
                self.end_headers()
                self.wfile.write(body)

            def _stream(self) -> None:
                mine: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b"retry: 200\nevent: hello\ndata: {}\n\n")
                outer._streams.append(mine)
                while (event := mine.get()) is not None:
                    try:
                        self.wfile.write(event)
                    except OSError:
                        return

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


SERVICES = {
    "mall": ["mall-v1"],
    "users": ["users-v1"],
    "recommend": ["recommend-v1"],
    "discount": ["discount-v1", "discount-fox"],
    "products": ["products-v1", "products-fox"],
    "scores": ["scores-v1"],
    "sales": ["sales-v1"],
    "stock": ["stock-v1"],
    "favorites": ["favorites-fox"],
}


def _version(workload: str) -> Json:
    branch = "fox" if workload.endswith("-fox") else ""
    return {"workload": workload, "version": "v2" if branch else "v1", "branch": branch, "ready": 1, "pods": 1}


def topology() -> Json:
    """The mall with fox's branch, and traffic of both."""
    services = [
        {"id": "gateway", "name": "gateway", "namespace": "", "kind": "gateway", "versions": []},
        *(
            {
                "id": f"mesh/{name}",
                "name": name,
                "namespace": "mesh",
                "kind": "service",
                "versions": [_version(workload) for workload in workloads],
            }
            for name, workloads in SERVICES.items()
        ),
    ]
    calls = [
        ("", "mall-v1", 24),
        ("mall-v1", "users-v1", 24),
        ("mall-v1", "recommend-v1", 24),
        ("mall-v1", "discount-v1", 18),
        ("mall-v1", "discount-fox", 6),
        ("recommend-v1", "products-v1", 18),
        ("recommend-v1", "products-fox", 6),
        ("recommend-v1", "scores-v1", 24),
        ("discount-v1", "products-v1", 18),
        ("discount-fox", "products-fox", 6),
        ("products-v1", "sales-v1", 36),
        ("products-v1", "stock-v1", 36),
        ("products-fox", "sales-v1", 12),
        ("products-fox", "stock-v1", 12),
        ("products-fox", "favorites-fox", 12),
    ]
    return {
        "window": 60,
        "at": time.time(),
        "branch": "",
        "services": services,
        "edges": [_edge(source, target, count) for source, target, count in calls],
    }


def _edge(source: str, target: str, count: int) -> Json:
    fox = "fox" in source + target
    errors = 3 if target == "scores-v1" else 0
    return {
        "source": f"mesh/{source.rpartition('-')[0]}" if source else "gateway",
        "target": f"mesh/{target.rpartition('-')[0]}",
        "sourceWorkload": source,
        "targetWorkload": target,
        "version": "v2" if target.endswith("-fox") else "v1",
        "branch": "fox" if target.endswith("-fox") else "",
        "requests": count,
        "rate": count / 10,
        "errors": errors,
        "errorShare": errors / count,
        "p50": 3.1,
        "p99": 8.2,
        "byBranch": {"fox": count} if fox else {"": count - count // 4, "fox": count // 4},
    }


def trace(number: int, **given: Any) -> Json:
    """A line of the list of requests."""
    return {
        "number": number,
        "requestId": f"{number:08x}-0000-4000-8000-000000000000",
        "traceId": f"{number:032x}",
        "start": time.time() - 20_000 + number,
        "milliseconds": 5 + number % 40,
        "method": "GET",
        "url": "http://127.0.0.1:8080/api/mall",
        "from": "gateway",
        "status": 200,
        "branch": "fox" if number % 4 == 0 else "",
        "hops": 11,
        "errors": 0,
        "fallback": [],
        "services": ["mesh/mall", "mesh/products"],
        **given,
    }


def branch(name: str, **spec: Any) -> Json:
    """A Branch that is ready."""
    return {
        "apiVersion": "meshmall.dev/v1",
        "kind": "Branch",
        "metadata": {"name": name, "namespace": "mesh", "uid": name, "creationTimestamp": "2026-11-24T00:00:00Z"},
        "spec": {
            "enter": [{"cookie": {"name": "user", "value": name}}],
            "services": {"discount": {"fork": {"env": [{"name": "BANNER", "value": "true"}]}}},
            **spec,
        },
        "status": {
            "phase": "Ready",
            "url": f"http://{name}.localhost:8080/",
            "expiresAt": "2099-01-01T00:00:00Z",
            "services": [{"name": "discount", "kind": "fork", "answers": f"discount-{name}", "ready": True}],
        },
    }


def mall() -> StandIn:
    """A stand-in that knows the mall with fox's branch."""
    made = StandIn()
    traces = [trace(number) for number in range(400, 0, -1)]

    def some(query: dict[str, str]) -> Json:
        before, limit = int(query.get("before", 10**9)), int(query.get("limit", 200))
        if query.get("order") == "slowest":
            return {"items": sorted(traces, key=lambda item: -item["milliseconds"])[:limit], "more": True}
        fit = [item for item in traces if item["number"] < before and query.get("branch", "") in ("", item["branch"])]
        return {"items": fit[:limit], "more": len(fit) > limit}

    made.answers = {
        "/mesh/v1/topology": topology(),
        "/mesh/v1/traces": some,
        "/mesh/v1/requests": {"items": []},
        "/mesh/v1/rules": {"services": [], "hosts": [], "rows": [], "branches": [], "refused": []},
        "/mesh/v1/series": {"step": 5, "end": 0, "items": []},
        "/mesh/v1/failures": {"window": 300, "items": []},
        "/mesh/v1/status": {"gateway": {"url": "http://127.0.0.1:8080"}},
        "/apis/meshmall.dev/v1/branches": {"items": [branch("fox")]},
        "/apis/apps/v1/deployments": {"items": []},
        "/api/v1/pods": {"items": []},
        "/api/v1/services": {"items": []},
        "/api/v1/events": {"items": []},
    }
    return made
