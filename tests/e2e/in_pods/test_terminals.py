"""Terminals of containers: kubectl run and attach, and a developer's own process with a breakpoint."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.test_branches import branch_of, inside
from tests.support.mesh import Mesh
from tests.support.pod_programs import KUBECTL, PodPrograms
from tests.support.terminal import Terminal
from tests.support.waiting import until

RUN = ("run", "--image=none", "--restart=Never", "--rm")
DEVELOPED = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        word = "TEXT"
        if self.path == "/stop":
            breakpoint()
        self.send_response(200); self.end_headers(); self.wfile.write(word.encode())
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_kubectl_run_shows_all_output_once_and_passes_input_and_exit_code_on(programs: PodPrograms) -> None:
    script = "echo begun; read word; echo got $word; exit 3"
    ran = programs.kubectl(*RUN, "-i", "once", "--command", "--", "sh", "-c", script, stdin="typed\n")
    assert ran.code == 3
    assert (ran.out.count("begun"), ran.out.count("got typed")) == (1, 1)
    assert "begun" not in ran.err
    assert programs.kubectl("get", "pod", "once").code == 1


def test_what_ends_at_once_is_shown_once(programs: PodPrograms) -> None:
    ran = programs.kubectl(*RUN, "-i", "brief", "--command", "--", "sh", "-c", "echo said; exit 3")
    assert ran.code == 3
    assert ran.out.count("said") == 1


def test_kubectl_run_it_is_a_terminal_with_a_size_that_changes(programs: PodPrograms) -> None:
    words = (KUBECTL, "-n", "mesh", *RUN, "-it", "shell", "--command", "--", "sh")
    with Terminal(words, programs.environment) as terminal:
        terminal.until("$ ")
        terminal.type("stty size; tty; echo $TERM\r")
        shown = terminal.until("xterm")
        assert "24 80" in shown
        assert "/dev/pts/0" in shown
        terminal.resize(132, 43)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        until(lambda: _typed(terminal, "stty size\r", "43 132"))
        terminal.type("exit 4\r")
        assert terminal.ended() == 4


def _typed(terminal: Terminal, text: str, expected: str) -> bool:
    terminal.type(text)
    return expected in terminal.until("$ ")


def test_two_may_attach_to_one_terminal(programs: PodPrograms) -> None:
    script = "while read word; do echo got $word; done"
    programs.start("both", ["sh", "-c", script], container={"stdin": True, "tty": True})
    programs.ok("wait", "pod/both", "--for=condition=Ready", "--timeout=60s")
    words = (KUBECTL, "-n", "mesh", "attach", "-it", "both")
    with Terminal(words, programs.environment) as first, Terminal(words, programs.environment) as second:
        for terminal in (first, second):
            terminal.until("If you don't see a command prompt")
        until(lambda: _heard_by_both(first, second))
    assert "got hello" in programs.until_log("both", "got hello")


def _heard_by_both(first: Terminal, second: Terminal) -> bool:
    """The second may not be attached yet when the first types."""
    first.type("hello\r")
    first.until("got hello")
    try:
        return "got hello" in second.until("got hello", 1)
    except AssertionError:
        return False


def test_a_developers_process_is_a_pod_of_the_branch_and_stops_at_breakpoints(running: Mesh, tmp_path: Path) -> None:
    program = tmp_path / "own.py"
    program.write_text(DEVELOPED.replace("TEXT", "first"))
    running.ok("branch", "create", "fox", "--fork", "recommend", "--env", "BANNER=true")
    before = branch_of(running, "fox")["spec"]
    meshmall = [sys.executable, "-m", "meshmall", "branch"]
    environ = {**os.environ, "MESHMALL_HOME": str(running.home), "COLUMNS": "200", "TERM": "xterm"}
    develop = [*meshmall, "dev", "fox", "recommend", "--", sys.executable, "own.py"]
    ask = [*meshmall, "run", "fox", "--", "curl", "-sm", "60", "http://recommend:7000/stop"]
    try:
        with Terminal(develop, environ, str(tmp_path)) as own:
            own.until("is now this process")
            until(lambda: "first" in inside(running, "fox", "http://recommend:7000/recommend"))
            with Terminal(ask, environ) as asking:
                own.until("(Pdb)")
                own.type("word = 'typed'\r")
                own.until("(Pdb)")
                own.type("c\r")
                asking.until("typed")
            program.write_text(DEVELOPED.replace("TEXT", "second"))
            until(lambda: "second" in inside(running, "fox", "http://recommend:7000/recommend"), 60)
            own.type("\x03")
            assert own.ended() == 0
            assert "Restored recommend of branch fox" in own.screen
        assert branch_of(running, "fox")["spec"] == before
    finally:
        running.ok("branch", "delete", "fox")


@pytest.mark.slow
def test_a_developers_process_that_does_not_listen_is_reported(running: Mesh, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import time\nprint('started', flush=True)\ntime.sleep(600)\n")
    environ = {**os.environ, "MESHMALL_HOME": str(running.home), "COLUMNS": "200", "TERM": "xterm"}
    develop = [sys.executable, "-m", "meshmall", "branch", "dev", "silent", "recommend"]
    for options in ([], ["--port", "18555"]):
        with Terminal([*develop, *options, "--", sys.executable, "own.py"], environ, str(tmp_path)) as own:
            own.until("the process runs and does not listen on ")
            own.type("\x03")
            assert own.ended() == 0
