"""A service as a process: what it does when it cannot listen, and when somebody is in a hurry to end it."""

import os
import signal
import socket
import subprocess
import sys

from tests.support.services import end, start_service
from tests.support.waiting import until


def test_an_address_that_is_taken_is_named_and_the_exit_code_is_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "mall.sales", "--port", port],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert f"mall sales: cannot listen on 127.0.0.1:{port}: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_signal_does_not_wait_for_what_runs() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        service = start_service("discount", {"PRODUCTS_URL": url, "CALL_TIMEOUT": "600"})
        host, _, port = service.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), 60) as client:
            client.sendall(b"GET /discount HTTP/1.1\r\nHost: a\r\n\r\n")
            called, _ = silent.accept()
            assert service.process is not None
            service.process.send_signal(signal.SIGTERM)
            # The listening socket is closed before anything else: the first signal has arrived when it is.
            until(lambda: not _listens(host, int(port)))
            service.process.send_signal(signal.SIGTERM)
            # At the end of the grace it would have been answered with 504.
            assert b" 504 " not in client.recv(100)
            assert service.process.wait(60) == 0
            called.close()
        end(service)


def _listens(host: str, port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((host, port)) == 0
