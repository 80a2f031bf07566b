"""The folder of one mesh: its settings, its data, and how a command finds it.

`$MESHMALL_HOME`, or `$XDG_STATE_HOME/meshmall`, or `~/.local/state/meshmall`. Nothing is written elsewhere.
"""

import fcntl
import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from mesh.daemon.address import LOOPBACK, reachable
from mesh.daemon.failure import Failure
from mesh.daemon.ports import GATEWAY_HTTPS_PORT, GATEWAY_PORT
from mesh.procfs import start_time
from mesh.resources.meshmall.branch import DEFAULT_EXPIRES, preview_host


def default_home(environ: Mapping[str, str]) -> Path:
    """The home that the environment names."""
    if home := environ.get("MESHMALL_HOME"):
        return Path(home).expanduser().absolute()
    state = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser().absolute() / "meshmall"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `up`; saved in the home, and used by the next `up` where it has no option of its own.

    `address` is where the gateway and NodePorts listen: a loopback address, or any with `expose`. 0 as `api_port`
    means any free port, as `console_port` the one that the console had before, or any free one. `namespace` is where
    objects go that name none. `branch_expires` is the lifetime of a branch that does not set its own. `telemetry`:
    requests are traced. `outbound_traffic_policy` is "registry-only" or "allow-any". `dormant` names what stays
    stored and does not run, such as "Deployment mesh/products" and "Service mesh/products".
    """

    address: str = LOOPBACK
    expose: bool = False
    gateway_port: int = GATEWAY_PORT
    gateway_https_port: int = GATEWAY_HTTPS_PORT
    api_port: int = 0
    console_port: int = 0
    envoy_concurrency: int = 0
    namespace: str = "default"
    branch_expires: str = DEFAULT_EXPIRES
    telemetry: bool = True
    outbound_traffic_policy: str = "registry-only"
    network: str = "auto"
    images: str = "auto"
    images_unused: str = "336h"
    dormant: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Builds settings from the result of `to_json`; unknown names are ignored."""
        names = {field.name for field in fields(cls)}
        # A home that a later version has written must still start.
        values: dict[str, Any] = {name: value for name, value in body.items() if name in names}
        # JSON has lists only.
        if "dormant" in values:
            values["dormant"] = tuple(values["dormant"])
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def gateway_url(self) -> str:
        return f"http://{reachable(self.address)}:{self.gateway_port}"

    @property
    def place(self) -> str:
        """Where clients reach the mesh: an Envoy that serves another place cannot be adopted."""
        return f"{self.address} {self.gateway_port} {self.gateway_https_port}"

    def preview_url(self, branch: str) -> str:
        """Where a browser sees a branch; "" where none can: they resolve every name under `localhost` to 127.0.0.1."""
        if reachable(self.address) != LOOPBACK:
            return ""
        return f"http://{preview_host(branch)}:{self.gateway_port}/"


@dataclass(frozen=True, slots=True)
class Running:
    """A running daemon. `started` is the process's start time in clock ticks since boot."""

    pid: int
    started: int


class Home:
    """The paths in a mesh's folder, and the daemon that runs in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / "settings.json"
        self.daemon_file = path / "run" / "daemon.json"
        self.lock_file = path / "run" / "daemon.lock"
        self.daemon_log = path / "logs" / "daemon.log"
        self.kubeconfig = path / "kubeconfig"

    def prepare(self) -> None:
        """Creates the folders, readable only by their owner. Raises Failure when that is impossible."""
        self.require_own()
        try:
            for folder in (self.path, self.path / "run", self.path / "logs"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # It may have existed with other rights: the token and the keys are in it.
            self.path.chmod(0o700)
            # Written and not asked: a full disk has folders that look writable.
            probe = self.path / "run" / ".writable"
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
        except OSError as error:
            raise Failure(
                f"cannot write to the mesh's home {self.path}: {error.strerror or error}",
                "choose a writable folder on a disk with free space: MESHMALL_HOME=... or --home",
            ) from None

    def require_own(self) -> None:
        """Raises Failure when the folder is another user's.

        root could read and write it all the same, and would believe what it says: which process to stop, say.
        """
        try:
            owner = self.path.stat().st_uid
        except OSError:
            return
        if owner != os.geteuid():
            name = _user_name(owner)
            raise Failure(
                f"the mesh's home {self.path} belongs to {name}, and you are {_user_name(os.geteuid())}",
                f"run meshmall as {name}, or choose another home: MESHMALL_HOME=... or --home",
            )

    def settings(self, defaults: Settings | None = None) -> Settings:
        """The settings of the last `up`, or the defaults."""
        try:
            return Settings.from_json(json.loads(self.settings_file.read_text()))
        except (OSError, ValueError, TypeError):
            return defaults or Settings()

    def save(self, settings: Settings) -> None:
        """Remembers the settings for the next start."""
        self.settings_file.write_text(json.dumps(settings.to_json(), indent=2) + "\n")

    def running(self) -> Running | None:
        """The daemon of this home; None when it is not running."""
        try:
            body = json.loads(self.daemon_file.read_text())
            running = Running(int(body["pid"]), int(body["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return running if start_time(running.pid) == running.started else None

    def require_running(self) -> Running:
        """The daemon of this home. Raises Failure when it is not running."""
        running = self.running()
        if running is None:
            raise Failure(f"no mesh is running in {self.path}", "start one with: meshmall up")
        return running

    def lock(self) -> int:
        """Locks the home until the returned descriptor is closed. Raises Failure when another daemon has it."""
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # The kernel drops the lock when the process dies, however it dies: nothing is left to clean up.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Failure(f"a mesh is already running in {self.path}", "see: meshmall status") from None
        return descriptor

    def register(self) -> None:
        """Records this process as the home's daemon."""
        body = {"pid": os.getpid(), "started": start_time(os.getpid())}
        self.daemon_file.write_text(json.dumps(body))


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
