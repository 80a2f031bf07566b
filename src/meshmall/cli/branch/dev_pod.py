"""`branch dev` where pods have namespaces: the developer's process is a pod of the branch, with this terminal."""

import math
import os
import shutil
import signal
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mesh.client.attach import Attachment
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.branch.dev_files import SILENCE, changes, does_not_listen
from meshmall.cli.branch.substitution import Substitution
from meshmall.cli.branch.worktree import baselines_of
from meshmall.cli.context import Context

READY_LIMIT = 60.0
PAUSE = 0.1
# Of the developer's variables, those by which tools and languages find what is installed, and the terminal's.
# Others may be secrets, and the branch is an object that others read.
PASSED_ON = ("PATH", "VIRTUAL_ENV", "LANG", "TERM", "COLORTERM", "JAVA_HOME", "GOPATH", "GOROOT", "EDITOR")
PASSED_ON_PREFIXES = ("PYTHON", "NODE_", "LC_", "GEM_", "BUNDLE_", "RUBY")


class DevPod:
    """One service of one branch, served by the developer's command in a pod of the branch."""

    def __init__(
        self, context: Context, substitution: Substitution, command: Sequence[str], folders: Sequence[str]
    ) -> None:
        self._context = context
        self._substitution = substitution
        self._command = list(command)
        self._folders = list(folders)
        self._stop = threading.Event()
        self._resized = threading.Event()

    def run(self) -> int:
        """Runs the process until Ctrl-C or SIGTERM; returns the exit code. Raises Failure."""
        program = shutil.which(self._command[0])
        if program is None:
            raise Failure(f"{self._command[0]}: no such program", code=127)
        self._command[0] = str(Path(program).absolute())
        self._substitution.put({"fork": self._fork()})
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        signal.signal(signal.SIGWINCH, lambda *_: self._resized.set())
        threads = [threading.Thread(target=work, daemon=True) for work in (self._follow_terminal, self._announce)]
        try:
            with _keys_as_they_are_typed():
                for thread in threads:
                    thread.start()
                self._restart_on_changes()
                for thread in threads:
                    thread.join(1.0)
        finally:
            self._stop.set()
            self._substitution.restore()
        return 0

    def _fork(self) -> Body:
        """The branch's own fork, if it has one, with the developer's command, folder and terminal."""
        original = self._substitution.original_fork()
        listens = {"HOST": "0.0.0.0"}  # noqa: S104 - of the pod's own network
        if port := self._port():
            listens["PORT"] = port
        own = {variable["name"]: variable for variable in original.get("env", [])}
        passed = {
            name: {"name": name, "value": value}
            for name, value in {**os.environ, **listens}.items()
            if name in listens or name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
        }
        return {
            **{key: value for key, value in original.items() if key != "args"},
            "command": self._command,
            "workingDir": str(Path.cwd()),
            "env": [*{**passed, **own}.values()],
            "replicas": 1,
            "interactive": True,
        }

    def _port(self) -> str:
        """Where the service's pods listen: the first port of the baseline's container."""
        containers = baselines_of(self._context, self._substitution.service)[0].spec.template.spec.containers
        return str(containers[0].ports[0].container_port) if containers[0].ports else ""

    def _restart_on_changes(self) -> None:
        """Until the end: a changed file means another pod, whatever the present one is doing."""
        for names in changes(self._folders, self._stop):
            self._context.view.say(f"[dim]{names} changed; restarting[/]")
            for pod in self._pods(self._context):
                with suppress(ApiError):
                    metadata = pod["metadata"]
                    self._context.client.delete([Ref("", "Pod", metadata["namespace"], metadata["name"])], grace=1)

    def _pods(self, context: Context) -> list[Body]:
        """The branch's pods with the developer's process; at most one that is not ending."""
        selector = f"{BRANCH_LABEL}={self._substitution.branch},{SERVICE_LABEL}={self._substitution.service}"
        pods = context.client.list("", "Pod", context.namespace, selector=selector)
        living = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        return [pod for pod in living if any(part.get("tty") for part in pod["spec"]["containers"])]

    def _running(self, context: Context) -> tuple[str, str, int] | None:
        """Pod, container and number of restarts of a process that runs."""
        for pod in self._pods(context):
            names = [part["name"] for part in pod["spec"]["containers"] if part.get("tty")]
            for status in (pod.get("status") or {}).get("containerStatuses") or []:
                if status["name"] in names and "running" in (status.get("state") or {}):
                    return pod["metadata"]["name"], status["name"], status["restartCount"]
        return None

    def _follow_terminal(self) -> None:
        """Attaches to one process after the other, each once."""
        context = Context(self._context.home, self._context.view, self._context.namespace)
        last: tuple[str, str, int] | None = None
        while not self._stop.is_set():
            try:
                running = self._running(context)
                if running is None or running == last:
                    self._stop.wait(PAUSE)
                    continue
                attachment = context.client.attach(context.namespace, running[0], running[1])
            except (ApiError, Failure):
                self._stop.wait(PAUSE)
                continue
            last = running
            self._converse(attachment)

    def _converse(self, attachment: Attachment) -> None:
        is_terminal = sys.stdin.isatty()
        if is_terminal:
            attachment.resize(*os.get_terminal_size(sys.stdin.fileno()))
        try:
            while not self._stop.is_set() and not attachment.ended:
                readable = attachment.wait(PAUSE, *([sys.stdin.fileno()] if is_terminal else []))
                if output := attachment.pieces():
                    os.write(sys.stdout.fileno(), output)
                if readable:
                    attachment.send(os.read(sys.stdin.fileno(), 4096))
                if is_terminal and self._resized.is_set():
                    self._resized.clear()
                    attachment.resize(*os.get_terminal_size(sys.stdin.fileno()))
        finally:
            attachment.close()

    def _announce(self) -> None:
        """Prints where the branch answers, once the process listens; says so when it does not."""
        context = Context(self._context.home, self._context.view, self._context.namespace)
        silent_since: float | None = None
        while not self._stop.is_set():
            with suppress(ApiError, Failure):
                if self._listens(context):
                    self._substitution.announce(context, READY_LIMIT)
                    return
                silent_since = silent_since or time.monotonic()
                if 0 < silent_since < time.monotonic() - SILENCE:
                    context.view.warn(does_not_listen(f"port {self._port()}", self._substitution.service))
                    silent_since = math.inf  # said once
            self._stop.wait(0.5)

    def _listens(self, context: Context) -> bool:
        """Whether the process accepts connections. Raises Failure while there is no process."""
        running = self._running(context)
        if running is None:
            raise Failure("no process runs")
        return not self._port() or context.client.listens(context.namespace, running[0], int(self._port()))


@contextmanager
def _keys_as_they_are_typed() -> Iterator[None]:
    """This terminal passes keys on unchanged: the pod's terminal echoes and edits. Ctrl-C is still this command's."""
    if not sys.stdin.isatty():
        yield
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    mode = termios.tcgetattr(fd)
    mode[0] &= ~termios.ICRNL
    mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    termios.tcsetattr(fd, termios.TCSADRAIN, mode)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
