"""Starts and stops the daemon, a process of its own.

The daemon reports its start on standard output, one JSON object per line:
`{"step": "envoy", "milliseconds": 103.2}` ..., then `{"ready": true}` or `{"error": ..., "remedy": ...}`.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mesh.daemon.failure import Failure
from mesh.daemon.home import Home, Running, Settings
from mesh.procfs import start_time

START_LIMIT = 30.0
AGENT_SOCKET = "agent.sock"
STOP_LIMIT = 15.0


def start(home: Home, settings: Settings) -> Iterator[dict[str, Any]]:
    """Starts the daemon and yields its reports until it is ready. Raises Failure when it does not come up."""
    home.prepare()
    running = home.running()
    if running is not None:
        raise Failure(
            f"a mesh is already running in {home.path} (pid {running.pid})",
            "see: meshmall status; stop it: meshmall down; "
            "or give the second mesh another home: MESHMALL_HOME=... or --home",
        )
    # Ctrl-C while the process is being made would leave a daemon that nobody knows.
    with home.daemon_log.open("ab") as log, _interrupts_deferred() as interrupts:
        process = subprocess.Popen(
            [sys.executable, "-m", "mesh.daemon.main", str(home.path), json.dumps(settings.to_json())],
            stdin=subprocess.DEVNULL,
            # Its first lines of standard output are its reports, in JSON; everything else goes to the log.
            stdout=subprocess.PIPE,
            stderr=log,
            # A daemon must not keep the folder busy that it was started from; all of its paths are absolute.
            cwd="/",
            env=_environment(),
            # Ctrl-C in the terminal is for the command line, not for the mesh.
            start_new_session=True,
        )
    assert process.stdout is not None
    deadline = time.monotonic() + START_LIMIT
    try:
        if interrupts:
            signal.raise_signal(signal.SIGINT)
        with process.stdout as lines:
            for line in lines:
                report = json.loads(line)
                if "error" in report:
                    process.wait(timeout=START_LIMIT)
                    raise Failure(report["error"], report.get("remedy", ""))
                yield report
                if report.get("ready"):
                    return
                if time.monotonic() > deadline:
                    break
    except (KeyboardInterrupt, GeneratorExit):
        # Whoever gives up waiting for a mesh does not want half of one. A daemon that is starting finishes that first.
        _end(Running(process.pid, start_time(process.pid) or 0))
        process.wait(timeout=STOP_LIMIT)
        stop(home)
        raise
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2)
    raise Failure(
        f"the daemon stopped while it was starting (exit code {process.returncode})",
        f"see its log: {home.daemon_log}\n{_tail(home.daemon_log)}",
    )


@contextmanager
def _interrupts_deferred() -> Iterator[Sequence[int]]:
    """Collects the Ctrl-C that come meanwhile, so that the caller can raise them where it can clean up.

    By a handler, which a started process does not inherit, as it would a mask or an ignored signal.
    """
    interrupts: list[int] = []
    former = signal.getsignal(signal.SIGINT)
    # Only the main thread may set a handler, and only there is a KeyboardInterrupt raised.
    deferrable = callable(former) and threading.current_thread() is threading.main_thread()
    if deferrable:
        signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    try:
        yield interrupts
    finally:
        if deferrable:
            signal.signal(signal.SIGINT, former)


def stop(home: Home) -> bool:
    """Stops the daemon and everything it started, including what a killed daemon has left behind.

    Returns whether anything was running.
    """
    running = home.running()
    if running is not None:
        _end(running)
    # Also after a daemon that stopped in order: a daemon before it may have been killed.
    left = end_agent(home.path) + reap(home.path)
    with suppress(OSError):
        home.daemon_file.unlink()
    return running is not None or left > 0


def end_agent(home: Path) -> int:
    """Ends the sandbox agent that a dead daemon left in this home, with the pods that it runs; returns how many."""
    if not (home / "run" / AGENT_SOCKET).exists():
        return 0
    import asyncio  # noqa: PLC0415 - only this needs it

    from mesh.pods.sandbox.client import stop_running  # noqa: PLC0415

    return int(asyncio.run(stop_running(home)))


def reap(home: Path) -> int:
    """Stops the pods and the Envoys that a dead daemon left behind in this home; returns how many."""
    from mesh.envoy.process.records import reap as reap_envoys  # noqa: PLC0415 - only a stop needs them
    from mesh.pods.host.leftovers import reap_leftovers  # noqa: PLC0415

    return len(reap_leftovers(home)) + int(reap_envoys(home))


def _end(running: Running) -> None:
    """SIGTERM, then SIGKILL when the daemon has not exited within the limit."""
    for number, limit in ((signal.SIGTERM, STOP_LIMIT), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(running.pid, number)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if start_time(running.pid) != running.started:
                return
            time.sleep(0.01)


def _environment() -> dict[str, str]:
    """The user's environment without the variables that change how the daemon's own interpreter runs."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONHOME", "PYTHONSTARTUP")
    return {name: value for name, value in os.environ.items() if name not in dropped}


def _tail(path: Path, lines: int = 5) -> str:
    with suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""
