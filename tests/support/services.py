"""The mall's services: our own as processes, or those that the environment names.

    CONTRACT_PRODUCTS_URL=http://127.0.0.1:9000 python -m pytest tests/conformance/test_contract.py -k products

runs the same tests against another program, in whatever language. Its own calls then go where it was configured to
send them.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyreqwest.client import SyncClientBuilder

SERVICES = ("users", "scores", "sales", "stock", "favorites", "products", "recommend", "discount", "mall")


@dataclass
class Reply:
    """An answer: `json` is None when the body is none."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    """A service at a base address; `process` is ours to end, when it is ours."""

    name: str
    url: str
    process: "subprocess.Popen[bytes] | None" = None
    log: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        client = SyncClientBuilder().follow_redirects(False).no_proxy().gzip(False).build()
        request = client.request(method, self.url + path)
        for name, value in headers.items():
            request = request.header(name.replace("_", "-"), value)
        if isinstance(body, bytes):
            request = request.body_bytes(body)
        elif body is not None:
            request = request.body_json(body)
        with client:
            answer = request.build().send()
            return Reply(answer.status, dict(answer.headers.items()), answer.bytes().to_bytes())

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, None, **headers)


Start = Callable[..., Service]


def start_service(name: str, environ: dict[str, str]) -> Service:
    """Starts one of our services on a free port and waits until it says where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"mall.{name}", "--port", "0"],
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **environ},
    )
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert line["message"] == "listening", line
    return Service(name, f"http://{line['address']}", process)


def end(service: Service) -> None:
    if service.process is None:
        return
    if service.process.poll() is None:
        service.process.terminate()
    try:
        service.process.wait(15)
    except subprocess.TimeoutExpired:
        service.process.kill()
        service.process.wait()
    if service.process.stdout is not None:
        service.process.stdout.close()


def unused_address() -> str:
    """A base address where nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"
