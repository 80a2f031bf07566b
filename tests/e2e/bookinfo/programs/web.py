"""What Bookinfo's programs share: a small HTTP server, and calls that pass the caller's headers on."""

import json
import os
import sys
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSED_ON = ("end-user", "x-request-id", "traceparent", "tracestate", "baggage", "x-branch", "cookie", "user-agent")

Headers = dict[str, str]
Answer = tuple[int, Any]
"""A status, and JSON or the text of a page."""


def call(url: str, headers: Headers, limit: float) -> Any:
    """The JSON at a URL, by the proxy of the environment. Raises OSError or ValueError."""
    passed = {name: headers[name] for name in PASSED_ON if name in headers}
    with urllib.request.urlopen(urllib.request.Request(url, headers=passed), timeout=limit) as answer:
        return json.load(answer)


def serve(answer: Callable[[str, Headers], Answer]) -> None:
    """Serves at the port of the command line until the process is ended.

    On every address, as the originals do; where pods share the machine's network, HOST is the pod's own address.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, found = answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            page = isinstance(found, str)
            body = found.encode() if isinstance(found, str) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "text/html; charset=utf-8" if page else "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), int(sys.argv[1])), Handler).serve_forever()
