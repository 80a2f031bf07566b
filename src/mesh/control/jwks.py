"""Fetches the keys that RequestAuthentications name by a URL, so that Envoy never waits for an issuer.

As Istio's control plane does it: what could not be fetched leaves the former keys in force; without any, no token of
that issuer is valid.
"""

import asyncio
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mesh.resources.checks.request_authentication import wrong_keys

# Seconds: between two looks at the same keys, until one that failed is tried again, and for one look.
REFRESH, RETRY, LIMIT = 300.0, 2.0, 5.0
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys are asked for: `connect` is the (address, port) of a Service's pod, None for any other host."""

    connect: tuple[str, int] | None = None
    limit: float = LIMIT


class Keys:
    """Holds JSON Web Key Sets by their URLs."""

    def __init__(self) -> None:
        self._wanted: dict[str, Place] = {}
        self._held: dict[str, str] = {}
        self._failed: dict[str, str] = {}

    @property
    def pause(self) -> float | None:
        """Seconds until somebody should look again; None when no keys are asked for."""
        if not self._wanted:
            return None
        return RETRY if self._failed else REFRESH

    @property
    def found(self) -> Mapping[str, str]:
        return self._held

    @property
    def failed(self) -> Mapping[str, str]:
        """Why the last look at a URL brought nothing."""
        return self._failed

    async def want(self, places: Mapping[str, Place]) -> None:
        """Says which keys are asked for now, by their URLs; new ones are looked at before it returns."""
        new = [url for url, place in places.items() if url not in self._wanted or self._moved(url, place)]
        self._wanted = dict(places)
        self._held = {url: keys for url, keys in self._held.items() if url in places}
        self._failed = {url: why for url, why in self._failed.items() if url in places}
        await self._look(new)

    def _moved(self, url: str, place: Place) -> bool:
        """Whether a URL that brought nothing may be found elsewhere now."""
        return url in self._failed and place != self._wanted[url]

    async def refresh(self) -> bool:
        """Looks again: at what failed, or else at all. Tells whether anything is another than before."""
        before = (dict(self._held), dict(self._failed))
        await self._look(list(self._failed or self._wanted))
        return before != (self._held, self._failed)

    async def _look(self, urls: list[str]) -> None:
        asked = (asyncio.to_thread(_fetched, urlsplit(url), self._wanted[url]) for url in urls)
        for url, (text, why) in zip(urls, await asyncio.gather(*asked), strict=True):
            if why:
                self._failed[url] = why
            else:
                self._failed.pop(url, None)
                self._held[url] = text


def _fetched(url: SplitResult, place: Place) -> tuple[str, str]:
    """The keys, or why there are none."""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        port = url.port
        host, port = place.connect or (url.hostname or "", port)
        connection = kind(host, port, timeout=place.limit)
        try:
            target = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
            connection.request("GET", target, headers={"host": url.netloc.rpartition("@")[2]})
            answer = connection.getresponse()
            text = answer.read(LARGEST + 1).decode(errors="replace")
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return "", f"{type(error).__name__}: {error}" if not isinstance(error, TimeoutError) else "no answer in time"
    if answer.status != 200:
        return "", f"the answer was {answer.status}"
    if len(text) > LARGEST:
        return "", f"the answer is larger than {LARGEST} bytes"
    wrong = wrong_keys(text)
    return ("", f"the answer {wrong}") if wrong else (text, "")
