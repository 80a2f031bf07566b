"""VirtualService.http[].match to matches of rows: path, method, headers, query parameters, labels and claims."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from mesh.resources.checks.authorization_policy import CLAIM
from mesh.resources.checks.virtual_service import CLAIM_KEY
from mesh.resources.istio.common import StringMatch
from mesh.resources.istio.virtual_service import HTTPMatchRequest
from mesh.routing.model.match import ClaimMatch, FieldMatch, Match, MatchKind, Pattern
from mesh.routing.virtual_service.place import MESH, Place, qualified

MATCHES_ALL = (".*", "^.*$")


def applies(block: HTTPMatchRequest, bound: list[str], namespace: str, place: Place) -> bool:
    """Whether a match block can hold at a place; what Envoy has to ask of each request is left to `matches`.

    `bound` are the Gateways that the block is for when it names none.
    """
    gateways = block.gateways or bound
    if gateways and place.gateway not in {qualified(gateway, namespace) for gateway in gateways}:
        return False
    if block.port and block.port != place.port:
        return False
    if place.gateway == MESH:
        if block.source_namespace and block.source_namespace != place.namespace:
            return False
        # Tokens are checked before the row is chosen at gateways only.
        return not any(CLAIM_KEY.fullmatch(name) for name in (*block.headers, *block.without_headers))
    # At a gateway the caller is the gateway's own pod.
    return all(place.labels.get(key) == value for key, value in block.source_labels.items())


def matches(block: HTTPMatchRequest, *, at_gateway: bool) -> Iterator[Match]:
    """One match for nearly every block.

    A single inverted match of Envoy's cannot tell a header that is missing from one that is empty: where that makes a
    difference (`withoutHeaders` with a pattern that the empty text fits too), two rows do.
    """
    excluded: list[tuple[FieldMatch, ...]] = []
    for name, match in sorted(block.without_headers.items()):
        if CLAIM_KEY.fullmatch(name):
            continue
        pattern = pattern_of(match)
        if pattern.kind is MatchKind.REGEX and pattern.value in MATCHES_ALL:
            pattern = Pattern(MatchKind.PRESENT)
        without = FieldMatch(name.lower(), pattern, invert=True)
        alternatives: tuple[FieldMatch, ...] = (without,)
        if _fits_empty(pattern):
            alternatives = (FieldMatch(name.lower(), Pattern(MatchKind.PRESENT), invert=True), without)
        excluded.append(alternatives)
    base = _match(block, at_gateway=at_gateway)
    for combination in product(*excluded):
        yield replace(base, headers=(*base.headers, *combination))


def _fits_empty(pattern: Pattern) -> bool:
    if pattern.kind is MatchKind.REGEX:
        try:
            return re.fullmatch(pattern.value, "") is not None
        except re.error:  # RE2 knows syntax that Python does not
            return False
    return pattern.kind is not MatchKind.PRESENT and pattern.value == ""


def _match(block: HTTPMatchRequest, *, at_gateway: bool) -> Match:
    """Headers and parameters are sorted, so that an equal block written in another order is an equal match."""
    pseudo = ((":method", block.method), (":scheme", block.scheme), (":authority", block.authority))
    headers = [FieldMatch(name, pattern_of(match)) for name, match in pseudo if match is not None]
    headers += [
        FieldMatch(name.lower(), pattern_of(match))
        for name, match in sorted(block.headers.items())
        if not CLAIM_KEY.fullmatch(name)
    ]
    return Match(
        path=pattern_of(block.uri, ignore_case=block.ignore_uri_case) if block.uri is not None else None,
        headers=tuple(headers),
        query=tuple(FieldMatch(name, pattern_of(match)) for name, match in sorted(block.query_params.items())),
        source_labels=() if at_gateway else tuple(sorted(block.source_labels.items())),
        claims=(*_claims(block.headers, invert=False), *_claims(block.without_headers, invert=True)),
    )


def _claims(headers: Mapping[str, StringMatch], *, invert: bool) -> Iterator[ClaimMatch]:
    """`@request.auth.claims.a.b` and `@request.auth.claims[a][b]` match the claims of the token."""
    for name, match in sorted(headers.items()):
        if key := CLAIM_KEY.fullmatch(name):
            path = tuple(key[1].split(".")) if key[1] else tuple(CLAIM.findall(key[2]))
            yield ClaimMatch(path, pattern_of(match), invert)


def pattern_of(match: StringMatch, *, ignore_case: bool = False) -> Pattern:
    """Istio's StringMatch; an empty one fits whatever is present."""
    if match.exact is not None:
        return Pattern(MatchKind.EXACT, match.exact, ignore_case)
    if match.prefix is not None:
        return Pattern(MatchKind.PREFIX, match.prefix, ignore_case)
    if match.regex is not None:
        return Pattern(MatchKind.REGEX, match.regex)
    return Pattern(MatchKind.PRESENT)
