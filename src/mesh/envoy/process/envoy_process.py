"""The Envoy process: started or adopted, watched, restarted when it dies, stopped."""

import asyncio
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mesh.envoy.process.admin import Admin
from mesh.envoy.process.binary import find, version
from mesh.envoy.process.bootstrap import ADMIN_SOCKET, bootstrap
from mesh.envoy.process.launcher import AdoptedChild, EnvoyChild, Launcher, as_child, kill
from mesh.envoy.process.records import STOP_LIMIT, Record, end, path_of, remove
from mesh.procfs import start_time
from mesh.reconcile.backoff import Backoff
from mesh.reconcile.supervisor import Supervisor

# Seconds until its admin interface must answer.
START_LIMIT = 10.0
# Seconds: an Envoy that dies is restarted at once, then after the first pause, doubled up to the longest; one that ran
# for STABLE starts over.
FIRST_PAUSE, LONGEST_PAUSE, STABLE = 0.1, 5.0, 10.0
# Bytes of its log, and seconds between two checks of it.
LARGEST_LOG, CHECK_LOG_EVERY = 10 << 20, 10.0

log = logging.getLogger(__name__)


class EnvoyFailed(Exception):
    """Envoy did not start, with the last lines of its log."""


class EnvoyProcess:
    """Runs in `<home>/run`, logs to `<home>/logs/<name>.log`. Live as soon as its admin interface answers.

    `configuration` gives the bootstrap configuration; its admin interface must listen on `admin_socket`. With a
    `place` (see `Record`), one of the same configuration and place that has outlived its daemon is adopted.
    """

    def __init__(
        self,
        home: Path,
        concurrency: int,
        launch: Launcher = as_child,
        *,
        name: str = "envoy",
        configuration: Callable[[], dict[str, Any]] = bootstrap,
        admin_socket: str = ADMIN_SOCKET,
        place: str = "",
        supervisor: Supervisor | None = None,
    ) -> None:
        self._folder = home / "run"
        self._name = name
        self._log = home / "logs" / f"{name}.log"
        self._record = path_of(home, name)
        self._place = place
        self._concurrency = concurrency
        self._configuration = configuration
        self._admin_socket = self._folder / admin_socket
        self._launch = launch
        self._process: EnvoyChild | None = None
        self._supervisor = supervisor or Supervisor()
        self._live = asyncio.Event()
        self.restarts = 0
        self.admin = Admin(self._admin_socket)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def adopt(self) -> bool:
        """Takes over the Envoy of a dead daemon, if `start` would start the same one; ends any other."""
        record = Record.read(self._record)
        if record is not None and record.is_running and self._place and record.place == self._place:
            with suppress(ProcessLookupError):
                child = AdoptedChild(record.pid)
                # Asked last: a process that has ended since, or hangs, does not answer.
                if record.configuration == self._digest(find()) and await self.admin.ready():
                    self._process = child
                    return True
                child.close()
        await asyncio.to_thread(end, self._record)
        return False

    async def start(self) -> None:
        """Starts Envoy, unless one was adopted, and keeps it running.

        Raises EnvoyFailed when it does not come up at all.
        """
        binary = find()
        if self._process is None:
            await self._spawn(binary)
        try:
            await self._until_answers()
        except BaseException:
            await self.stop()
            raise
        self._live.set()
        self._supervisor.start(self._name, partial(self._keep_running, binary))

    async def until_live(self) -> None:
        """Waits while Envoy is being restarted: it is live once it has its configuration again."""
        await self._live.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long. Idempotent."""
        self._live.clear()
        await self._supervisor.stop(self._name)
        process = self._process
        if process is not None and process.returncode is None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    process.send_signal(number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), STOP_LIMIT)
                    break
        remove(self._record)

    async def _spawn(self, binary: Path) -> None:
        self._admin_socket.unlink(missing_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / f"{self._name}-bootstrap.json"
        configuration.write_text(json.dumps(self._configuration()))
        with self._log.open("ab") as output:
            self._process = await self._launch(self._argv(binary), self._folder, output.fileno())
        # A process that has ended already has no time; nobody will adopt or end it.
        started = start_time(self._process.pid) or 0
        Record(self._process.pid, started, self._digest(binary), self._place).write(self._record)

    def _argv(self, binary: Path) -> list[str]:
        argv = [str(binary), "--config-path", f"{self._name}-bootstrap.json", "--concurrency", str(self._concurrency)]
        # Hot restart would share memory with a predecessor, which is dead. Draining: connections of a removed
        # listener have two seconds to end.
        argv += ["--disable-hot-restart", "--drain-time-s", "2", "--drain-strategy", "immediate"]
        # How long lines about requests may wait to be written, in milliseconds.
        return [*argv, "--file-flush-interval-msec", "100", "--log-level", "warning"]

    def _digest(self, binary: Path) -> str:
        """Of all that decides how it runs, other than what it is sent."""
        everything = json.dumps([version(), self._argv(binary), self._configuration()], sort_keys=True)
        return blake2b(everything.encode(), digest_size=12).hexdigest()

    async def _until_answers(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        assert self._process is not None
        while True:
            if self._admin_socket.exists() and await self.admin.ready():
                return
            if self._process.returncode is not None or time.monotonic() > deadline:
                code = self._process.returncode
                why = f"ended with {code}" if code is not None else f"is not live after {START_LIMIT:g} s"
                raise EnvoyFailed(f"Envoy {why}; its log {self._log} ends with:\n{self._tail()}")
            await asyncio.sleep(0.005)

    async def _keep_running(self, binary: Path) -> None:
        """Restarts Envoy whenever it dies."""
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, STABLE)
        while True:
            assert self._process is not None
            begun = time.monotonic()
            await self._until_ended(self._process)
            self._live.clear()
            await asyncio.sleep(backoff.after(time.monotonic() - begun))
            self.restarts += 1
            try:
                await self._spawn(binary)
                await self._until_answers()
            except (OSError, EnvoyFailed) as error:
                log.error("%s could not be restarted: %s", self._name, error)
                with suppress(ProcessLookupError):
                    kill(self._process)
            else:
                self._live.set()

    async def _until_ended(self, process: EnvoyChild) -> None:
        """Waits for its end, and keeps its log bounded meanwhile."""
        while process.returncode is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), CHECK_LOG_EVERY)
            with suppress(OSError):
                self._rotate()

    def _rotate(self) -> None:
        """Keeps one former log. Envoy appends to the file that it was given, so it can be emptied under it."""
        if self._log.stat().st_size > LARGEST_LOG:
            shutil.copyfile(self._log, self._log.with_suffix(".log.1"))
            os.truncate(self._log, 0)

    def _tail(self, lines: int = 8) -> str:
        with suppress(OSError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        return ""
