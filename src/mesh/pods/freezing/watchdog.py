"""Stops processes, and continues them whatever happens. A program of its own, run as `python -I -S watchdog.py`.

It reads one line of JSON from its standard input, {"leaders": [[pid, started], ...], "limit": seconds}, stops those
processes with all that they have started, and writes {"stopped": [pid, ...], "milliseconds": ...}, or {"error": ...}
when it could not. The processes continue at the first of: another line or the end of its input, which is what the
daemon's death looks like; the end of the time. Then it writes {"expired": ..., "milliseconds": ...} and ends.

SIGSTOP and not the cgroup freezer: it needs no cgroup of one's own, which an ordinary user seldom has. The daemon
imports this, too, to continue the processes if this program is killed. It imports little (no pathlib): it starts in
20 ms.
"""

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

# Seconds until every thread has come to a stand: one that writes to a disk does so first.
STAND_LIMIT = 1.0
PAUSE = 0.0005
STOPPED, GONE = frozenset("Tt"), frozenset("ZX")

Process = tuple[int, int]
"""A pid and when the process started, in clock ticks since boot: together nobody else's."""


def stat(pid: int) -> tuple[str, int] | None:
    """A process's state and start; None when it is gone (proc(5), fields 3 and 22)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (fields[0], int(fields[19])) if fields[0] not in GONE else None


def children(pid: int) -> list[int]:
    """The pids of a process's children, whichever of its threads started them."""
    pids: list[int] = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return pids
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                pids += map(int, file.read().split())
        except OSError:
            continue
    return pids


def family(leaders: list[Process]) -> list[Process]:
    """These processes and all their descendants that live, parents first."""
    living = [pid for pid, started in leaders if (state := stat(pid)) is not None and state[1] == started]
    members: dict[int, int] = {}
    while living:
        pid = living.pop(0)
        state = stat(pid)
        if state is not None and pid not in members:
            members[pid] = state[1]
            living += children(pid)
    return list(members.items())


def neighbours(leaders: list[Process]) -> list[Process]:
    """Processes that share a leader's PID namespace, such as `kubectl exec`'s, which are nobody's descendants there."""
    own = _pid_namespace("self")
    spaces = {space for pid, _ in leaders if (space := _pid_namespace(str(pid))) not in ("", own)}
    if not spaces:
        return []
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit() and _pid_namespace(name) in spaces]
    return [(pid, state[1]) for pid in pids if (state := stat(pid)) is not None]


def _pid_namespace(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def send(process: Process, number: signal.Signals) -> bool:
    """Signals exactly this process."""
    pid, started = process
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        state = stat(pid)
        if state is None or state[1] != started:
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def stands(pid: int) -> bool:
    """Whether no thread of a process runs any more."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return True
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/stat", encoding="latin-1") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in STOPPED and state not in GONE:
            return False
    return True


def stop(leaders: list[Process], stopped: list[Process], limit: float) -> str:
    """Stops everything that belongs to the leaders; returns why that was not possible, or "".

    `stopped` gets each process before it is signalled, so that none is forgotten. A process that is stopped already
    (somebody debugs it) is left alone, now and later. Signals arrive late and processes start others meanwhile: it is
    over when a look at all of them finds no new one, and every thread stands.
    """
    deadline = time.monotonic() + limit
    ours = set(stopped)
    strangers: set[Process] = set()
    first = {*family(leaders), *neighbours(leaders)}
    new = first
    while new:
        for process in sorted(new):
            state = stat(process[0])
            if state is not None and state[0] in STOPPED:
                strangers.add(process)
                continue
            stopped.append(process)
            ours.add(process)
            if not send(process, signal.SIGSTOP) and stat(process[0]) is not None:
                return f"process {process[0]} cannot be stopped"
        for pid, _ in ours:
            while not stands(pid):
                if time.monotonic() > deadline:
                    return f"process {pid} did not stop within {limit:g} s"
                time.sleep(PAUSE)
        new = set(family([*leaders, *ours])) - ours - strangers
    return ""


def resume(stopped: list[Process]) -> None:
    """Continues processes, children first: a parent finds them running."""
    for process in reversed(stopped):
        send(process, signal.SIGCONT)


def resume_all(leaders: list[Process]) -> None:
    """Continues everything that belongs to the leaders, whoever stopped it: after a watchdog that was killed."""
    resume(sorted({*family(leaders), *neighbours(leaders)}))


def _say(**message: object) -> None:
    with suppress(OSError):  # nobody listens any more; what counts is done
        os.write(1, json.dumps(message).encode() + b"\n")


def _line(limit: float | None) -> bytes:
    """The next line of the input; b"" at its end, or when the time is over."""
    ready, _, _ = select.select([0], [], [], limit)
    if not ready:
        return b""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(0, 65536)):
        line += piece
    return line


def main() -> None:
    """See above."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    line = _line(None)
    if not line.endswith(b"\n"):
        return
    request = json.loads(line)
    leaders = [(int(pid), int(started)) for pid, started in request["leaders"]]
    limit = float(request["limit"])
    stopped: list[Process] = []
    begun = time.monotonic()
    try:
        failure = stop(leaders, stopped, min(STAND_LIMIT, limit))
        if not failure:
            _say(stopped=[pid for pid, _ in stopped], milliseconds=round((time.monotonic() - begun) * 1000, 1))
            ready, _, _ = select.select([0], [], [], max(0.0, limit - (time.monotonic() - begun)))
    finally:
        resume(stopped)
    milliseconds = round((time.monotonic() - begun) * 1000, 1)
    if failure:
        _say(error=failure, milliseconds=milliseconds)
    else:
        _say(expired=not ready, milliseconds=milliseconds)


if __name__ == "__main__":
    main()
    sys.exit(0)
