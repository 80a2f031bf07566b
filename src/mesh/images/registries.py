"""Which hosts stand for a registry: its mirrors first, then itself. The home's registries.yaml says.

The file has the form of k3s' registries.yaml, without its `configs`:

    mirrors:
      docker.io:
        endpoint: ["https://mirror.example", "http://cache.lan:5000"]
      "*":
        endpoint: ["http://localhost:5000"]

Plain HTTP is spoken with the machine itself, and with endpoints that this file writes with http://.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mesh.images.errors import StoreFailed
from mesh.images.reference import DOCKER_HUB, DOCKER_HUB_HOST, Reference

FILE = "registries.yaml"
LARGEST_FILE = 1024 * 1024


class Endpoint(NamedTuple):
    """A host that is asked: `url` is scheme, host, port and maybe a path before /v2/."""

    url: str
    is_mirror: bool = False

    @property
    def is_plain(self) -> bool:
        return self.url.startswith("http://")


def endpoints(reference: Reference, mirrors: Mapping[str, Sequence[str]]) -> list[Endpoint]:
    """Where an image may be had, in order. A mirror entry "*" is for all registries that have none of their own."""
    urls = mirrors.get(reference.registry, mirrors.get("*", ()))
    return [*(Endpoint(url.rstrip("/"), is_mirror=True) for url in urls), Endpoint(default_url(reference.registry))]


def default_url(registry: str) -> str:
    if registry == DOCKER_HUB:
        return f"https://{DOCKER_HUB_HOST}"
    return f"http{'' if is_this_machine(registry) else 's'}://{registry}"


def is_this_machine(registry: str) -> bool:
    """Whether a host is the machine itself, by its name or address and without asking anybody."""
    host = urlsplit(f"//{registry}").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_mirrors(home: Path) -> dict[str, list[str]]:
    """The home's registries.yaml; nothing when there is none. Raises StoreFailed, which names the field."""
    path = home / FILE
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise StoreFailed(f"{path}: has more than {LARGEST_FILE} bytes")
        text = path.read_text()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StoreFailed(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}") from None
    import yaml  # noqa: PLC0415 - only where there is such a file

    try:
        body = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise StoreFailed(f"{path}: {error}") from None
    return mirrors_of(body or {}, str(path))


def mirrors_of(body: Any, source: str) -> dict[str, list[str]]:
    """Checks a document of that form. Raises StoreFailed."""
    if not isinstance(body, dict) or (unknown := sorted(set(body) - {"mirrors"})):
        what = f'unknown field "{unknown[0]}"' if isinstance(body, dict) else "is not a map"
        raise StoreFailed(f'{source}: {what}; the only field is "mirrors"')
    mirrors: dict[str, list[str]] = {}
    entries = body.get("mirrors") or {}
    if not isinstance(entries, dict):
        raise StoreFailed(f"{source}: mirrors: is not a map of registries")
    for registry, entry in entries.items():
        urls = entry.get("endpoint") if isinstance(entry, dict) else None
        if not isinstance(urls, list) or not urls:
            raise StoreFailed(f'{source}: mirrors["{registry}"].endpoint: is not a list of URLs')
        for url in urls:
            parts = urlsplit(str(url))
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise StoreFailed(
                    f'{source}: mirrors["{registry}"].endpoint: "{url}" is not a URL such as http://cache.lan:5000'
                )
        mirrors[str(registry)] = [str(url) for url in urls]
    return mirrors
