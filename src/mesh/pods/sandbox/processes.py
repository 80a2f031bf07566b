"""The agent's processes: started, listed, watched until they end, and written down for the next agent."""

import fcntl
import json
import os
import select
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from mesh.pods.sandbox.child import FAILURE, PID, TERMINAL, Surroundings, fork
from mesh.pods.sandbox.spec import LiveProcess, ProcessExit, ProcessSpec

# linux/pidfd.h: the exit code of a process that is not our child (Linux 6.15).
PIDFD_GET_INFO = 0xC040FF0B
PIDFD_INFO_SIZE, PIDFD_INFO_EXIT_CODE = 64, 60
PIDFD_INFO_EXIT = 8
REAPED_WITHIN = 200  # milliseconds
UNKNOWN_EXIT = -1


def key_of(pid: int) -> str:
    """The process's key: its pid and when it started, in clock ticks since boot (proc(5), field 22).

    "" if there is no such process. A process that has ended has one until it is reaped.
    """
    return _key_and_state(pid)[0]


def runs(key: str) -> bool:
    """Whether the process is still there and has not ended."""
    current, state = _key_and_state(int(key.partition("-")[0]))
    return current == key and state not in "ZX"


def _key_and_state(pid: int) -> tuple[str, str]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return f"{pid}-{fields[19]}", fields[0]


def exit_code(status: int) -> tuple[int, int]:
    """(code, signal) of a wait status: 128 + number and that signal when a signal ended it."""
    code = os.waitstatus_to_exitcode(status)
    return (128 - code, -code) if code < 0 else (code, 0)


class Launch:
    """A process between its fork and its exec."""

    def __init__(self, spec: ProcessSpec, pid: int | None, status: socket.socket) -> None:
        self.spec = spec
        self.pid = pid
        self.status = status
        self.terminal: int | None = None
        self.failure: str | None = None

    def advance(self) -> bool:
        """Reads what the child has sent. True when it is over: the program runs, or `failure` says what went wrong."""
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.status, 1 << 16, 1)
            except BlockingIOError:
                return False
            if data[:1] == PID:
                self.pid = int(data[1:])
            elif data[:1] == TERMINAL:
                self.terminal = fds[0]
                os.set_inheritable(fds[0], False)
            elif data[:1] == FAILURE:
                self.failure = json.loads(data[1:])
            else:
                return True


class Processes:
    """Every process that runs, and the exits that the daemon has not acknowledged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.live: dict[str, LiveProcess] = {}
        self.exits: dict[str, ProcessExit] = {}
        self._keys: dict[int, str] = {}
        self._launches: set[Launch] = set()
        # Keys and statuses of processes that ended before their launch was over, by pid.
        self._early: dict[int, tuple[str, int]] = {}

    def launch(self, spec: ProcessSpec, fds: tuple[int, ...], surroundings: Surroundings) -> Launch:
        launch = Launch(spec, *fork(spec, fds, surroundings))
        self._launches.add(launch)
        return launch

    def launched(self, launch: Launch) -> LiveProcess:
        """Takes a launch that is over into the list. Raises OSError when it failed."""
        self._launches.discard(launch)
        if launch.failure is not None or launch.pid is None:
            if launch.terminal is not None:
                os.close(launch.terminal)
            raise OSError(launch.failure or "the process ended before its program was started")
        key = self._early[launch.pid][0] if launch.pid in self._early else key_of(launch.pid)
        process = LiveProcess(
            key,
            launch.pid,
            launch.spec.pod,
            launch.spec.name,
            launch.spec.join,
        )
        self._add(process)
        (self._folder / process.key).write_text(json.dumps(process._asdict()))
        return process

    def _add(self, process: LiveProcess) -> None:
        self.live[process.key] = process
        self._keys[process.pid] = process.key

    def reap(self) -> list[ProcessExit]:
        """Takes up what has ended since. Call it after SIGCHLD and whenever a launch is over."""
        with suppress(ChildProcessError):
            # Looked at before it is reaped: a launch that is not over yet still needs its key.
            while (info := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                key = key_of(info.si_pid)
                self._early[info.si_pid] = key, os.waitpid(info.si_pid, 0)[1]
        exits = [self._ended(pid, *exit_code(self._early.pop(pid)[1])) for pid in [*self._early] if pid in self._keys]
        if not self._launches:
            self._early.clear()  # orphans, and children that failed before their exec
        return exits

    def _ended(self, pid: int, code: int, number: int) -> ProcessExit:
        process = self.live.pop(self._keys.pop(pid))
        (self._folder / process.key).unlink(missing_ok=True)
        if not process.joined and not process.pod:
            _kill_group(pid)
        ended = ProcessExit(process.key, pid, process.pod, process.name, code, number)
        self.exits[process.key] = ended
        return ended

    def signal(self, key: str, number: int, *, group: bool) -> bool:
        """Sends a signal through a pidfd; False when the process has ended.

        SIGKILL to a container's first process ends all of its PID namespace. `group` signals its process group too.
        """
        process = self.live.get(key)
        if process is None:
            return False
        if group:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            return True
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(process.pid)
            try:
                if runs(key):
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
        return True

    def acknowledge(self, keys: list[str]) -> None:
        for key in keys:
            self.exits.pop(key, None)

    def written_down(self) -> list[LiveProcess]:
        """The processes of the previous agent that still run; forgets the others."""
        processes = []
        for path in sorted(self._folder.iterdir()):
            try:
                process = LiveProcess(**json.loads(path.read_text()))
            except (OSError, ValueError, TypeError):
                process = LiveProcess("0-0", 0, "", "", 0)
            if process.key == path.name and runs(process.key):
                processes.append(process)
            else:
                path.unlink(missing_ok=True)
        return processes

    def adopt(self, process: LiveProcess) -> int:
        """Watches a process that is no child of this agent: the returned pidfd becomes readable when it ends.

        Raises ProcessLookupError when it has ended already.
        """
        handle = os.pidfd_open(process.pid)
        self._add(process)
        return handle

    def adopted_ended(self, process: LiveProcess, handle: int) -> ProcessExit:
        code, number = _exit_of(handle)
        os.close(handle)
        return self._ended(process.pid, code, number)


def _exit_of(handle: int) -> tuple[int, int]:
    """The exit of any process through its pidfd, which must have been opened while it ran."""
    # The kernel reports it once the parent, which is init now, has reaped it: the pidfd then hangs up.
    hang_up = select.poll()
    hang_up.register(handle, 0)
    hang_up.poll(REAPED_WITHIN)
    info = bytearray(struct.pack("=Q", PIDFD_INFO_EXIT).ljust(PIDFD_INFO_SIZE, b"\0"))
    try:
        fcntl.ioctl(handle, PIDFD_GET_INFO, info)
    except OSError:
        return UNKNOWN_EXIT, 0
    (mask,) = struct.unpack_from("=Q", info)
    if not mask & PIDFD_INFO_EXIT:
        return UNKNOWN_EXIT, 0
    (status,) = struct.unpack_from("=i", info, PIDFD_INFO_EXIT_CODE)
    return exit_code(status)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def to_json(processes: Processes) -> dict[str, Any]:
    return {
        "processes": [process._asdict() for process in processes.live.values()],
        "exits": [ended._asdict() for ended in processes.exits.values()],
    }
