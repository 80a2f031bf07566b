"""The folder of one mesh: where it keeps what it stores, and how a command finds it.

`$MESHMALL_HOME`, or `$XDG_STATE_HOME/meshmall`, or `~/.local/state/meshmall`. Nothing is written elsewhere.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from mesh.daemon.failure import Failure
from mesh.pods.host.procfs import start_time
from mesh.resources.meshmall.branch import DEFAULT_EXPIRES, preview_host


def default_home(environ: Mapping[str, str]) -> Path:
    """The home that the environment names."""
    if named := environ.get("MESHMALL_HOME"):
        return Path(named).expanduser().absolute()
    state = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser().absolute() / "meshmall"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `up` was told; kept in the home, so that the next `up` does the same unless told otherwise.

    `address` is where the gateway and NodePorts listen; `api_port` and `console_port` 0 take any free port.
    `branch_expires` is how long a branch lives that does not say it. `telemetry`: requests are followed.
    `outbound_traffic_policy` is "registry-only" or "allow-any".
    """

    address: str = "127.0.0.1"
    gateway_port: int = 8080
    gateway_https_port: int = 8443
    api_port: int = 0
    console_port: int = 0
    envoy_concurrency: int = 0
    namespace: str = "mesh"
    branch_expires: str = DEFAULT_EXPIRES
    telemetry: bool = True
    outbound_traffic_policy: str = "registry-only"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Builds settings from what `to_json` gave; unknown names are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in body.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def gateway_url(self) -> str:
        return f"http://{self.address}:{self.gateway_port}"

    def preview_url(self, branch: str) -> str:
        """Where a browser sees a branch. Names under `localhost` mean 127.0.0.1 to every browser."""
        return f"http://{preview_host(branch)}:{self.gateway_port}/"


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that lives: `started` is the process's start time in clock ticks since boot."""

    pid: int
    started: int


class Home:
    """Paths in a mesh's folder, and who runs in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / "settings.json"
        self.daemon_file = path / "run" / "daemon.json"
        self.lock_file = path / "run" / "daemon.lock"
        self.daemon_log = path / "logs" / "daemon.log"
        self.kubeconfig = path / "kubeconfig"

    def prepare(self) -> None:
        """Makes the folders, for their owner alone. Raises Failure when the disk refuses."""
        try:
            for folder in (self.path, self.path / "run", self.path / "logs"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
            probe = self.path / "run" / ".writable"
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
        except OSError as error:
            raise Failure(
                f"cannot write to the mesh's home {self.path}: {error.strerror or error}",
                "name a folder that you may write to, with room on its disk: MESHMALL_HOME=... or --home",
            ) from None

    def settings(self) -> Settings:
        """What the last `up` was told, or the defaults."""
        try:
            return Settings.from_json(json.loads(self.settings_file.read_text()))
        except (OSError, ValueError, TypeError):
            return Settings()

    def keep(self, settings: Settings) -> None:
        self.settings_file.write_text(json.dumps(settings.to_json(), indent=2) + "\n")

    def running(self) -> Running | None:
        """The daemon of this home, when it lives."""
        try:
            body = json.loads(self.daemon_file.read_text())
            running = Running(int(body["pid"]), int(body["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return running if start_time(running.pid) == running.started else None

    def require_running(self) -> Running:
        """The daemon of this home; raises Failure when there is none."""
        running = self.running()
        if running is None:
            raise Failure(f"no mesh runs in {self.path}", "start one with: meshmall up")
        return running

    def lock(self) -> int:
        """Takes the home for this process; the returned descriptor holds it. Raises Failure."""
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Failure(f"a mesh already runs in {self.path}", "look at it with: meshmall status") from None
        return descriptor

    def register(self) -> None:
        """Writes down this process as the daemon."""
        body = {"pid": os.getpid(), "started": start_time(os.getpid())}
        self.daemon_file.write_text(json.dumps(body))
