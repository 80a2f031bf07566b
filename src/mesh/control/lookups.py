"""What the world needs from outside the store: addresses of host names, and keys of token issuers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from mesh.control.host_names import HostNames
from mesh.control.jwks import LIMIT, KeySets, SocketTo, Source, host_socket
from mesh.resources.analysis.finding import Finding
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.values.durations import seconds
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError
from mesh.routing.destinations.directory import Directory
from mesh.routing.memory import Memory
from mesh.routing.world import World

# How much of a URL and of an error a condition shows.
LONGEST_QUOTE = 200


class Lookups:
    """Resolves names and fetches keys, so that Envoy never waits for either."""

    def __init__(self, socket_to: SocketTo = host_socket) -> None:
        self._names = HostNames()
        self._keys = KeySets(socket_to)

    @property
    def pause(self) -> float | None:
        """Seconds until something should be looked up again; None when the world needs nothing from outside."""
        return min((pause for pause in (self._names.pause, self._keys.pause) if pause is not None), default=None)

    async def complete(self, world: World, last_good: Iterable[Resource]) -> World:
        """The world with addresses and keys; what is needed for the first time is looked up before it returns.

        `last_good` are the states that may be in force instead of the stored ones: they need their keys, too.
        """
        await self._names.follow(world.names)
        others = (typed for typed in last_good if isinstance(typed, RequestAuthentication))
        await self._keys.follow(_sources(world, [*world.authentications, *others]))
        return replace(world, addresses=dict(self._names.addresses), keys=dict(self._keys.by_url))

    async def refresh(self) -> bool:
        """Looks everything up again; returns whether anything is different now."""
        # Both, even if the first has changed already.
        changes = [await self._keys.refresh(), await self._names.refresh()]
        return any(changes)

    def findings(self, rules: Iterable[RequestAuthentication]) -> Iterator[Finding]:
        """The rules whose keys could not be fetched."""
        for rule in rules:
            for number, jwt_rule in enumerate(rule.spec.jwt_rules):
                if reason := self._keys.failures.get(jwt_rule.uri):
                    has_former_keys = jwt_rule.uri in self._keys.by_url
                    effect = "its former keys stay in force" if has_former_keys else "all of its tokens are refused"
                    quoted = jwt_rule.uri[:LONGEST_QUOTE]
                    message = f'"{quoted}" brought no keys ({reason[:LONGEST_QUOTE]}); {effect} until it does'
                    error = FieldError(f"spec.jwtRules[{number}].jwksUri", message, ref_of(rule))
                    yield Finding("warning", error, code="JwksFetchFailed")


def _sources(world: World, rules: Iterable[RequestAuthentication]) -> Mapping[str, Source]:
    """Where the keys of RequestAuthentications come from, by URL.

    A URL whose host is a Service is asked at one of its pods directly: the daemon is no workload of the mesh and does
    not resolve the mesh's names.
    """
    jwt_rules = [jwt_rule for rule in rules for jwt_rule in rule.spec.jwt_rules if jwt_rule.uri]
    if not jwt_rules:
        return {}
    directory = Directory(world, Memory())
    sources = {}
    for jwt_rule in jwt_rules:
        url = urlsplit(jwt_rule.uri)
        pod = directory.pod_of(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        limit = min(LIMIT, seconds(jwt_rule.timeout)) if jwt_rule.timeout else LIMIT
        sources[jwt_rule.uri] = Source((pod.address, pod.port) if pod is not None else None, limit)
    return sources
