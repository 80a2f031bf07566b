"""Runs a service as a process: listens, serves, and shuts down gracefully on SIGTERM.

On SIGTERM the listening socket is closed, readiness answers 503, requests in progress get `Settings.grace` seconds to
finish, idle connections are closed, and the process exits with 0.
"""

import asyncio
import fcntl
import gc
import os
import stat
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import uvicorn
import uvloop

from mall.kit.app import App
from mall.kit.settings import SettingError, Settings

KEEP_ALIVE_SECONDS = 75
LARGEST_WAITING_REQUESTS = 2048

Build = Callable[[Settings], AbstractAsyncContextManager[App]]


class Server(uvicorn.Server):
    """uvicorn's server; logs where it listens, and notifies the app when a shutdown begins."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self.app = app

    async def startup(self, sockets: list["asyncio.Server"] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets=None)
        if self.started:
            address = self.servers[0].sockets[0].getsockname()
            self.app.log.event("info", "listening", address=f"{address[0]}:{address[1]}", pid=os.getpid())
            self.app.log.flush()

    def handle_exit(self, sig: int, frame: object) -> None:
        # uvicorn's own handler raises the signal again after the shutdown, but a requested shutdown must exit with 0.
        self.app.draining = True
        self.force_exit = self.should_exit
        self.should_exit = True


async def _serve(settings: Settings, build: Build) -> bool:
    async with build(settings) as app:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http="httptools",
            ws="none",
            lifespan="off",
            loop="none",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.grace),
            backlog=LARGEST_WAITING_REQUESTS,
        )
        server = Server(config, app)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        await server.serve()
        app.log.event("info", "stopped")
        app.log.flush()
        return server.started


def run(service: str, build: Build) -> None:
    """The main function of every service.

    Exit codes: 0 after a requested shutdown, 1 when it cannot listen, 2 for an invalid setting.
    """
    try:
        settings = Settings.read(service, os.environ, sys.argv[1:])
        _unblock_output()
        started = uvloop.run(_serve(settings, build))
    except SettingError as error:
        sys.stderr.write(f"mall {service}: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        started = True
    sys.exit(0 if started else 1)


def _unblock_output() -> None:
    """Makes writes to a full pipe fail at once: a reader that stops reading must not block the service."""
    if stat.S_ISFIFO(os.fstat(1).st_mode):
        fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK)
