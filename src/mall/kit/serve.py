"""Runs a service as a process: listens, serves, and shuts down gracefully on SIGTERM.

On SIGTERM the listening socket is closed, readiness answers 503, requests in progress get `Settings.grace` seconds to
finish, idle connections are closed, and the process exits with 0. A second signal ends it at once.
"""

import asyncio
import fcntl
import gc
import os
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import uvloop

from mall.kit.app import App
from mall.kit.server.server import Server
from mall.kit.settings import SettingError, Settings

Build = Callable[[Settings], AbstractAsyncContextManager[App]]


async def _serve(settings: Settings, build: Build) -> bool:
    """False when it cannot listen."""
    async with build(settings) as app:
        server = Server(app)
        try:
            address = await server.listen(settings.host, settings.port)
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            sys.stderr.write(f"mall {settings.service}: cannot listen on {place}: {error}\n")
            return False
        stop, stop_now = asyncio.Event(), asyncio.Event()

        def on_signal() -> None:
            (stop_now if stop.is_set() else stop).set()

        for number in (signal.SIGTERM, signal.SIGINT):
            server.loop.add_signal_handler(number, on_signal)
        app.log.event("info", "listening", address=address, pid=os.getpid())
        app.log.flush()
        # What exists now stays: collections need not look at it, nor make its pages differ from other processes'.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        await stop.wait()
        stopping = asyncio.create_task(server.stop(settings.grace))
        forced = asyncio.create_task(stop_now.wait())
        await asyncio.wait((stopping, forced), return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        if not stopping.done():
            stopping.cancel()
        app.log.event("info", "stopped")
        app.log.flush()
        return True


def run(service: str, build: Build) -> None:
    """The main function of every service.

    Exit codes: 0 after a requested shutdown, 1 when it cannot listen, 2 for an invalid setting.
    """
    try:
        settings = Settings.read(service, os.environ, sys.argv[1:])
        _unblock_output()
        served = uvloop.run(_serve(settings, build))
    except SettingError as error:
        sys.stderr.write(f"mall {service}: {error}\n")
        sys.exit(2)
    sys.exit(0 if served else 1)


def _unblock_output() -> None:
    """Makes writes to a full pipe fail at once: a reader that stops reading must not block the service."""
    if stat.S_ISFIFO(os.fstat(1).st_mode):
        fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK)
