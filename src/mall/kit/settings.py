"""A service's settings, from its environment and command line."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

DEFAULT_PORT = 7000


class SettingError(Exception):
    """An invalid setting: names the variable or option, its value and the valid values."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`call_timeout`, `request_timeout` and `grace` are seconds; `max_body` is bytes."""

    service: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    version: str = "v1"
    pod: str = ""
    proxy: str | None = None
    no_proxy: str = ""
    call_timeout: float = 5.0
    request_timeout: float = 15.0
    grace: float = 10.0
    max_body: int = 64 * 1024
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, service: str, environ: Mapping[str, str], arguments: Sequence[str]) -> Self:
        """Options win over the environment. Raises SettingError; exits on `--help` as argparse does."""
        parser = argparse.ArgumentParser(prog=f"python -m mall.{service}", description=f"The mall's {service}.")
        parser.add_argument("--host", help="address to listen on (HOST; 127.0.0.1)")
        parser.add_argument("--port", help="port to listen on, 0 for any free port (PORT; 7000)")
        options = parser.parse_args(arguments)
        return cls(
            service=service,
            host=options.host or environ.get("HOST") or "127.0.0.1",
            port=_integer("--port or PORT", options.port or environ.get("PORT") or str(DEFAULT_PORT), 0, 65535),
            version=environ.get("VERSION") or "v1",
            pod=environ.get("POD_NAME") or environ.get("HOSTNAME") or "",
            proxy=environ.get("HTTP_PROXY") or environ.get("http_proxy") or None,
            no_proxy=environ.get("NO_PROXY") or environ.get("no_proxy") or "",
            call_timeout=_seconds("CALL_TIMEOUT", environ.get("CALL_TIMEOUT") or "5"),
            environ=MappingProxyType(dict(environ)),
        )

    def flag(self, name: str) -> bool:
        """A variable that switches something on: true, 1, yes or on. Unset or empty means off."""
        value = self.environ.get(name, "").strip().lower()
        if value in ("", "false", "0", "no", "off"):
            return False
        if value in ("true", "1", "yes", "on"):
            return True
        raise SettingError(f"{name}: {value!r} is not a switch; use true or false")

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A variable with a whole number from `least` to `most`."""
        return _integer(name, self.environ.get(name) or str(default), least, most)

    def upstream(self, service: str) -> str:
        """The base URL of another service: from `PRODUCTS_URL`, for example, or its name in the mesh."""
        url = self.environ.get(f"{service.upper()}_URL")
        return (url or f"http://{service}:{DEFAULT_PORT}").rstrip("/")


def _integer(name: str, text: str, least: int, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise SettingError(f"{name}: {text!r} is not a whole number from {least} to {most}")
    return value


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 3600:
        raise SettingError(f"{name}: {text!r} is not a number of seconds from 0 to 3600")
    return value
