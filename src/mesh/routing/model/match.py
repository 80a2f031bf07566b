"""What a request must be like for a row to take it."""

from dataclasses import dataclass
from enum import Enum


class MatchKind(Enum):
    """How a string is compared. REGEX is RE2 and must match the whole value (Istio's meaning). PATH_PREFIX is for
    paths, and takes whole elements: `/a` is a prefix of `/a/b` and no prefix of `/ab`."""

    EXACT = "exact"
    PREFIX = "prefix"
    PATH_PREFIX = "path prefix"
    REGEX = "regex"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Pattern:
    kind: MatchKind
    value: str = ""
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """A header (lower case; `:method`, `:scheme`, `:authority` for pseudo headers) or query parameter."""

    name: str
    pattern: Pattern
    invert: bool = False


@dataclass(frozen=True, slots=True)
class ClaimMatch:
    """A claim of the token that a gateway has checked, at `path`: a text, or one of a list of texts."""

    path: tuple[str, ...]
    pattern: Pattern
    invert: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """All parts must hold. An empty Match matches every request.

    `source_labels` and `source_namespace` are compared with the calling pod, which its listener identifies.
    `destination` is held against "address:port" of where a captured connection was going.
    """

    path: Pattern | None = None
    headers: tuple[FieldMatch, ...] = ()
    query: tuple[FieldMatch, ...] = ()
    source_labels: tuple[tuple[str, str], ...] = ()
    source_namespace: str = ""
    claims: tuple[ClaimMatch, ...] = ()
    destination: Pattern | None = None
