"""docs/propagation.md: each program on the page forwards what keeps a request in its branch."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.places import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "propagation.md").read_text()
FILE = re.compile(r"^\*\*`(?P<name>\S+)`\*\*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {match["name"]: match["text"] for match in FILE.finditer(PAGE)}
# How each is run: the program that has to be installed, and its arguments.
COMMANDS = {
    "forward.py": (sys.executable,),
    "forward.mjs": ("node",),
    "forward.go": ("go", "run"),
    "forward.rb": ("ruby",),
    "Forward.java": ("java",),
}
# Seconds: Go compiles its whole HTTP library the first time.
LONGEST = 600
SENT = {
    "x-request-id": "5f0c6a0e-1111-2222-3333-444455556666@fox-b7a9c45c23ce177d",
    "traceparent": "00-b7a9c45c23ce177d0000000000000001-0000000000000001-01",
    "tracestate": "meshmall=fox-b7a9c45c23ce177d",
    "baggage": "branch=fox,other=1",
    "cookie": "user=fox",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a server that answers with the headers of the request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "\n".join(f"{name.lower()}: {value}" for name, value in self.headers.items()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            del format, arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def answer(port: int) -> str:
    """What the program answers; "" while it does not listen yet."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers=SENT)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(response.read().decode())
    except (OSError, urllib.error.URLError):
        return ""


def test_every_program_of_the_page_is_run() -> None:
    assert {*PROGRAMS} == {*COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_program_forwards_every_header_of_its_list(name: str, echo: str, tmp_path: Path) -> None:
    program, *arguments = COMMANDS[name]
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    (tmp_path / name).write_text(PROGRAMS[name])
    port = free_port()
    process = subprocess.Popen(
        [program, *arguments, name],
        cwd=tmp_path,
        env={**os.environ, "PORT": str(port), "NEXT": echo},
        start_new_session=True,
    )
    try:
        until(lambda: answer(port) != "" or process.poll() is not None, LONGEST)
        received = answer(port).splitlines()
        assert {f"{header}: {value}" for header, value in SENT.items()} <= {*received}
    finally:
        # `go run` has a child.
        os.killpg(process.pid, 9)
        process.wait()
