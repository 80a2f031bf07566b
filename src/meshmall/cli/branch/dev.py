"""`branch dev`: a local process that answers as the branch's service."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from meshmall.cli.apply import refusal
from meshmall.cli.branch.run import proxy_environment
from meshmall.cli.branch.spec import Asked
from meshmall.cli.branch.wait import Steps, branch_ref, condition, fetch, until_ready
from meshmall.cli.context import Context

GRACE = 5.0
LISTEN_LIMIT = 60.0
# What programs write while they run: no reason to start them again.
WRITTEN = r"\.(log|tmp|db|sqlite3?)(-(wal|shm|journal))?$"


class Dev:
    """One service of one branch, answered by a process of the developer's."""

    def __init__(
        self,
        context: Context,
        branch: str,
        service: str,
        command: Sequence[str],
        folders: Sequence[str],
        cookies: Sequence[str],
        port: int,
    ) -> None:
        self._context = context
        self._branch = branch
        self._service = service
        self._command = list(command)
        self._folders = list(folders)
        self._cookies = cookies
        self._port = port or _free_port()
        self._stop = threading.Event()

    def run(self) -> int:
        """Until Ctrl-C or SIGTERM; returns the exit code. Raises Failure."""
        for folder in self._folders:
            if not Path(folder).is_dir():
                raise Failure(f"--watch {folder}: there is no such folder")
        before = self._take_over()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            self._serve()
        finally:
            self._put_back(before)
        return 0

    def _take_over(self) -> Body | None:
        """Makes the branch send the service's requests here; returns the branch as it was, None when it is new."""
        change: Body = {"url": f"http://127.0.0.1:{self._port}"}
        try:
            try:
                before = fetch(self._context, self._branch)
            except Failure:
                asked = Asked(urls=[f"{self._service}={change['url']}"], cookies=self._cookies)
                self._context.client.apply([asked.branch(self._branch)], namespace=self._context.namespace)
                return None
            cleared = dict.fromkeys(("fork", "version", "template"))
            patch = {"spec": {"services": {self._service: {**cleared, **change}}}}
            self._context.client.patch(branch_ref(self._context, self._branch), patch)
        except ApiError as error:
            raise refusal(error, "nothing was changed") from None
        return before

    def _put_back(self, before: Body | None) -> None:
        ref = branch_ref(self._context, self._branch)
        try:
            if before is None:
                self._context.client.delete([ref])
                self._context.view.say(f"branch {self._branch} is deleted")
                return
            was = before["spec"].get("services", {}).get(self._service)
            restored = None if was is None else {"url": None, **was}
            self._context.client.patch(ref, {"spec": {"services": {self._service: restored}}})
            self._context.view.say(f"{self._service} of branch {self._branch} is as it was before")
        except ApiError as error:
            self._context.view.warn(f"branch {self._branch} could not be put back: {error.message}")

    def _serve(self) -> None:
        from watchfiles import DefaultFilter, watch  # noqa: PLC0415 - only this command watches

        environment = self._environment()
        process = self._start(environment)
        told = threading.Thread(target=self._tell_ready, daemon=True)
        told.start()
        try:
            changes = watch(
                *self._folders,
                watch_filter=DefaultFilter(ignore_entity_patterns=[*DefaultFilter.ignore_entity_patterns, WRITTEN]),
                stop_event=self._stop,
                rust_timeout=500,
                yield_on_timeout=True,
                raise_interrupt=False,
            )
            for changed in changes:
                if self._stop.is_set():
                    break
                if changed:
                    names = ", ".join(sorted({os.path.relpath(path) for _, path in changed})[:3])
                    self._context.view.say(f"[dim]{names} changed; starting again[/]")
                    _end(process)
                    process = self._start(environment)
                elif process is not None and process.poll() is not None:
                    code = process.returncode
                    self._context.view.warn(
                        f"the process ended (exit code {code}); it starts again when a file changes"
                    )
                    process = None
        finally:
            _end(process)

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes] | None:
        try:
            return subprocess.Popen(self._command, env=environment, start_new_session=True)
        except OSError as error:
            raise Failure(f"{self._command[0]}: {error.strerror}", code=127) from None

    def _environment(self) -> dict[str, str]:
        """The developer's own environment, the baseline's variables, and where to listen and call."""
        given = {**os.environ, **self._baseline_variables(), **proxy_environment(self._context, self._branch)}
        given |= {"HOST": "127.0.0.1", "PORT": str(self._port), "POD_IP": "127.0.0.1"}
        given["POD_NAME"] = f"{self._service}-{self._branch}-dev"
        return given

    def _baseline_variables(self) -> dict[str, str]:
        """What the baseline's container is told in so many words; references to other objects are left out."""
        with suppress(ApiError, KeyError, IndexError):
            from mesh.resources.values.ref import Ref  # noqa: PLC0415

            service = self._context.client.get(Ref("", "Service", self._context.namespace, self._service))
            wanted = (service["spec"].get("selector") or {}).items()
            for body in self._context.client.list("apps", "Deployment", self._context.namespace):
                template = body["spec"]["template"]
                if wanted and wanted <= (template["metadata"].get("labels") or {}).items():
                    env = template["spec"]["containers"][0].get("env", [])
                    return {each["name"]: each["value"] for each in env if "value" in each}
        return {}

    def _tell_ready(self) -> None:
        """Says when the process answers for the branch."""
        context = Context(self._context.home, self._context.view, self._context.namespace)
        deadline = time.monotonic() + LISTEN_LIMIT
        while not self._stop.wait(0.05) and time.monotonic() < deadline:
            if _listens(self._port):
                with suppress(Failure):
                    branch = until_ready(context, self._branch, Steps(), LISTEN_LIMIT)
                    address = (branch.get("status") or {}).get("url", "")
                    context.view.say(
                        f"{self._service} of branch [bold]{self._branch}[/] is this process now: {address} "
                        "[dim](Ctrl-C ends it)[/]"
                    )
                    if (lost := condition(branch, "ContextKept")).get("status") == "False":
                        context.view.warn(lost["message"])
                return


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """SIGTERM to the process and its children, SIGKILL when they do not go."""
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
