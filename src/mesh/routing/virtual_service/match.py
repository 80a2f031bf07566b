"""VirtualService.http[].match to matches of rows: path, method, headers, query parameters, labels and claims."""

from collections.abc import Iterator, Mapping

from mesh.resources.checks.authorization_policy import CLAIM
from mesh.resources.checks.virtual_service import CLAIM_KEY
from mesh.resources.istio.common import StringMatch
from mesh.resources.istio.virtual_service import HTTPMatchRequest
from mesh.routing.model.match import ClaimMatch, FieldMatch, Match, MatchKind, Pattern
from mesh.routing.virtual_service.place import MESH, Place, qualified


def applies(block: HTTPMatchRequest, bound: list[str], namespace: str, place: Place) -> bool:
    """Whether a match block can hold at a place; what Envoy has to ask of each request is left to `matches`.

    `bound` are the Gateways that the block is for when it names none.
    """
    gateways = block.gateways or bound
    if gateways and place.gateway not in {qualified(gateway, namespace) for gateway in gateways}:
        return False
    if block.port and block.port != place.port:
        return False
    # Tokens are checked before the row is chosen at gateways only.
    if place.gateway == MESH and any(CLAIM_KEY.fullmatch(name) for name in (*block.headers, *block.without_headers)):
        return False
    if _is_for_any_caller(block):
        return True
    if block.source_namespace and block.source_namespace != place.namespace:
        return False
    # At a gateway the caller is the gateway's own pod; in the mesh Envoy asks for the labels of each.
    return place.gateway == MESH or block.source_labels.items() <= place.labels.items()


def _is_for_any_caller(block: HTTPMatchRequest) -> bool:
    """A block that names `gateways` is not restricted by the caller (Istio: "independent of sourceLabels")."""
    return bool(block.gateways)


def match_of(block: HTTPMatchRequest, *, at_gateway: bool) -> Match:
    """Headers and parameters are sorted, so that an equal block written in another order is an equal match."""
    pseudo = ((":method", block.method), (":scheme", block.scheme), (":authority", block.authority))
    headers = [FieldMatch(name, pattern_of(match)) for name, match in pseudo if match is not None]
    headers += [
        FieldMatch(name.lower(), pattern_of(match))
        for name, match in sorted(block.headers.items())
        if not CLAIM_KEY.fullmatch(name)
    ]
    headers += [
        FieldMatch(name.lower(), pattern_of(match), invert=True)
        for name, match in sorted(block.without_headers.items())
        if not CLAIM_KEY.fullmatch(name)
    ]
    by_labels = not at_gateway and not _is_for_any_caller(block)
    return Match(
        path=pattern_of(block.uri, ignore_case=block.ignore_uri_case) if block.uri is not None else None,
        headers=tuple(headers),
        query=tuple(FieldMatch(name, pattern_of(match)) for name, match in sorted(block.query_params.items())),
        source_labels=tuple(sorted(block.source_labels.items())) if by_labels else (),
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
