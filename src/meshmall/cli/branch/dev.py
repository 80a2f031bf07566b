"""`branch dev`: a local process that stands in for a service of the branch.

Where pods have namespaces it is a pod of its own (`meshmall.cli.branch.dev_pod`); on loopback addresses it runs here.
"""

import math
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.branch.dev_files import SILENCE, does_not_listen, ticks
from meshmall.cli.branch.dev_pod import DevPod
from meshmall.cli.branch.run import proxy_environment
from meshmall.cli.branch.substitution import Substitution
from meshmall.cli.branch.worktree import baselines_of
from meshmall.cli.context import Context

GRACE = 5.0
LISTEN_LIMIT = 60.0


def develop(
    context: Context,
    branch: str,
    service: str,
    command: Sequence[str],
    folders: Sequence[str],
    cookies: Sequence[str],
    port: int,
) -> int:
    """Runs a command as the branch's service until Ctrl-C; returns the exit code. Raises Failure."""
    for folder in folders:
        if not Path(folder).is_dir():
            raise Failure(f"--watch {folder}: no such folder")
    substitution = Substitution(context, branch, service, cookies)
    network = context.client.status().get("network") or {}
    # A port of the machine's is asked for by name: then the process runs on the machine.
    if network.get("mode") == "namespaces" and not port and baselines_of(context, service):
        return DevPod(context, substitution, command, folders).run()
    return Dev(context, substitution, command, folders, port).run()


class Dev:
    """One service of one branch, served by a process of the developer's."""

    def __init__(
        self,
        context: Context,
        substitution: Substitution,
        command: Sequence[str],
        folders: Sequence[str],
        port: int,
    ) -> None:
        self._context = context
        self._substitution = substitution
        self._command = list(command)
        self._folders = list(folders)
        self._port = port or _free_port()
        self._stop = threading.Event()

    def run(self) -> int:
        """Runs the process until Ctrl-C or SIGTERM; returns the exit code. Raises Failure."""
        self._substitution.put({"url": f"http://127.0.0.1:{self._port}"})
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            self._serve()
        finally:
            self._substitution.restore()
        return 0

    def _serve(self) -> None:
        environment = self._environment()
        process = self._start(environment)
        threading.Thread(target=self._announce, daemon=True).start()
        try:
            for names in ticks(self._folders, self._stop):
                if names:
                    self._context.view.say(f"[dim]{names} changed; restarting[/]")
                    _stop(process)
                    process = self._start(environment)
                elif process is not None and process.poll() is not None:
                    code = process.returncode
                    self._context.view.warn(f"the process ended (exit code {code}); it restarts when a file changes")
                    process = None
        finally:
            _stop(process)

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes] | None:
        try:
            return subprocess.Popen(self._command, env=environment, start_new_session=True)
        except OSError as error:
            raise Failure(f"{self._command[0]}: {error.strerror}", code=127) from None

    def _environment(self) -> dict[str, str]:
        """The developer's environment, the baseline's variables, and where to listen and call."""
        branch = self._substitution.branch
        variables = {**os.environ, **self._baseline_variables(), **proxy_environment(self._context, branch)}
        variables |= {"HOST": "127.0.0.1", "PORT": str(self._port), "POD_IP": "127.0.0.1"}
        variables["POD_NAME"] = f"{self._substitution.service}-{branch}-dev"
        return variables

    def _baseline_variables(self) -> dict[str, str]:
        """The baseline's variables with plain values; those that refer to other objects are omitted."""
        with suppress(ApiError, KeyError, IndexError):
            from mesh.resources.values.ref import Ref  # noqa: PLC0415

            service = self._context.client.get(Ref("", "Service", self._context.namespace, self._substitution.service))
            selector = (service["spec"].get("selector") or {}).items()
            for body in self._context.client.list("apps", "Deployment", self._context.namespace):
                template = body["spec"]["template"]
                if selector and selector <= (template["metadata"].get("labels") or {}).items():
                    env = template["spec"]["containers"][0].get("env", [])
                    return {variable["name"]: variable["value"] for variable in env if "value" in variable}
        return {}

    def _announce(self) -> None:
        """Prints where the branch answers, once the process serves it; says so when it does not."""
        context = Context(self._context.home, self._context.view, self._context.namespace)
        expected = time.monotonic() + SILENCE
        while not self._stop.wait(0.05):
            if time.monotonic() > expected:
                context.view.warn(does_not_listen(f"127.0.0.1:{self._port}", self._substitution.service))
                expected = math.inf  # said once
            if _listens(self._port):
                with suppress(Failure):
                    self._substitution.announce(context, LISTEN_LIMIT)
                return


def _stop(process: subprocess.Popen[bytes] | None) -> None:
    """SIGTERM to the process and its children, SIGKILL after the grace period."""
    if process is None or process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
