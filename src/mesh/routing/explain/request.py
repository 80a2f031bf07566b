"""The request that a dry run is asked about."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from mesh.resources.values.hosts import SCHEME_PORTS


class CannotTell(ValueError):
    """The question names what does not exist, or asks what only Envoy can say."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`authority` as the client writes it; `path` without the query; header names in lower case.

    `destination` is "host:port" of where the client connects to, which a `Host` header does not change.
    """

    authority: str
    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "http"
    destination: str = ""

    @classmethod
    def of(cls, url: str, method: str = "GET", headers: Sequence[tuple[str, str]] = ()) -> Self:
        """The request that a client would make. Raises CannotTell for anything but an HTTP URL."""
        parts = urlsplit(url)
        if parts.scheme not in SCHEME_PORTS or not parts.hostname:
            raise CannotTell(f'"{url[:200]}" is not a URL such as http://products:7000/products?ids=1')
        authority = parts.netloc.rpartition("@")[2].lower().removesuffix(f":{SCHEME_PORTS[parts.scheme]}")
        lower = [(name.lower(), value) for name, value in headers]
        authority = next((value for name, value in lower if name == "host"), authority)
        others = tuple(pair for pair in lower if pair[0] != "host")
        destination = f"{parts.hostname}:{_port(parts) or ''}"
        return cls(authority, method, parts.path or "/", parts.query, others, parts.scheme, destination)

    def value(self, name: str) -> str | None:
        """A header's value, several joined by commas as Envoy does; pseudo headers by their names."""
        target = self.path + (f"?{self.query}" if self.query else "")
        pseudo = {":method": self.method, ":authority": self.authority, ":scheme": self.scheme, ":path": target}
        if name in pseudo:
            return pseudo[name]
        values = self.values(name)
        return ",".join(values) if values else None

    def values(self, name: str) -> list[str]:
        """A header's values, one for each line; Envoy compares a match with each of them separately."""
        return [value for key, value in self.headers if key == name]

    @property
    def claims(self) -> Mapping[str, Any]:
        """The claims of the token in Authorization, which is assumed to be valid."""
        scheme, _, token = (self.value("authorization") or "").partition(" ")
        payload = token.split(".")[1:2] if scheme.lower() == "bearer" else []
        try:
            claims = json.loads(base64.urlsafe_b64decode(payload[0] + "=" * (-len(payload[0]) % 4))) if payload else {}
        except ValueError:
            return {}
        return claims if isinstance(claims, dict) else {}

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query's parameters, not decoded, as Envoy compares them; of several of one name the first."""
        parameters: dict[str, str] = {}
        for part in self.query.split("&"):
            name, _, value = part.partition("=")
            parameters.setdefault(name, value)
        return parameters


def _port(parts: SplitResult) -> int | None:
    """The port of a URL, said or not; None for a number that is none."""
    try:
        return parts.port or SCHEME_PORTS[parts.scheme]
    except ValueError:
        return None
