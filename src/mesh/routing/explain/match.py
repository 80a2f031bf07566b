"""Whether a request fits a row's match, and what does not. Pure.

Regexes are RE2 in Envoy and Python's here; the two agree on what rules are written with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.routing.explain.request import CannotTell, HttpRequest
from mesh.routing.explain.words import describe_difference, describe_pattern
from mesh.routing.model.listener import Source
from mesh.routing.model.match import ClaimMatch, FieldMatch, Match, MatchKind, Pattern


def mismatches(match: Match, request: HttpRequest, source: Source | None) -> Iterator[str]:
    """What does not fit, in the words of the rule; nothing when the row takes the request."""
    if match.path is not None and not fits(match.path, request.path):
        yield f"path {request.path} {describe_difference(match.path)}"
    for header in match.headers:
        lines: list[str | None] = [*request.values(header.name)] or [request.value(header.name)]
        value = next((line for line in lines if fits(header.pattern, line)), lines[-1])
        # Excluded values are held against an empty header where there is none, as Envoy does it.
        if value is None and header.invert and header.pattern.kind is not MatchKind.PRESENT:
            value = ""
        yield from _field_mismatch("header", header, value)
    for query in match.query:
        yield from _field_mismatch("query parameter", query, request.parameters.get(query.name))
    for claim in match.claims:
        yield from _claim_mismatch(claim, request)
    labels = dict(source.labels) if source is not None else {}
    for key, value in match.source_labels:
        if labels.get(key) != value:
            actual = f'"{labels[key]}"' if key in labels else "none"
            yield f'the caller\'s label {key} is {actual}, not "{value}"'
    if match.source_namespace and (source is None or source.namespace != match.source_namespace):
        yield f'the caller is not in namespace "{match.source_namespace}"'
    if match.destination is not None and not fits(match.destination, request.destination):
        yield f"the connection to {request.destination} {describe_difference(match.destination)}"


def _field_mismatch(what: str, match: FieldMatch, value: str | None) -> Iterator[str]:
    if fits(match.pattern, value) is not match.invert:
        return
    name = match.name.removeprefix(":") if match.name.startswith(":") else f"{what} {match.name}"
    if value is None:
        yield f"{name} is missing"
    elif match.invert:
        yield f'{name} "{value}" is excluded ({describe_pattern(match.pattern)})'
    else:
        yield f'{name} "{value}" {describe_difference(match.pattern)}'


def _claim_mismatch(match: ClaimMatch, request: HttpRequest) -> Iterator[str]:
    texts = claim_texts(request.claims, match.path)
    if any(fits(match.pattern, text) for text in texts) is match.invert:
        excluded = ", which is excluded" if match.invert else ""
        yield f"the token's {'.'.join(match.path)} is {', '.join(texts) or 'missing'}{excluded}"


def claim_texts(claims: Mapping[str, Any], path: Sequence[str]) -> list[str]:
    """The texts of a token's claim: one, or a list of them; other values have none."""
    value: Any = claims
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value.split() if path in (("scope",), ("permission",)) else [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def fits(pattern: Pattern, value: str | None) -> bool:
    """Whether a value fits a pattern. Raises CannotTell for a regex that only RE2 knows."""
    if value is None:
        return False
    if pattern.kind is MatchKind.PRESENT:
        return True
    if pattern.kind is MatchKind.REGEX:
        try:
            return re.fullmatch(pattern.value, value) is not None
        except re.error as error:
            raise CannotTell(f"{pattern.value} cannot be tried here: {error}") from None
    expected = pattern.value
    if pattern.kind is MatchKind.PATH_PREFIX:
        return value == expected or value.startswith(f"{expected}/")
    if pattern.ignore_case:
        expected, value = expected.lower(), value.lower()
    return value == expected if pattern.kind is MatchKind.EXACT else value.startswith(expected)
