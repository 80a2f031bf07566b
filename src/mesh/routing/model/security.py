"""Who may send what, and which tokens are checked."""

from dataclasses import dataclass

from mesh.resources.values.ref import Ref


@dataclass(frozen=True, slots=True)
class Condition:
    """One attribute of a request: "principal", "trust domain", "namespace" (of the caller), "ip", "remote ip", "path",
    "header NAME", or of its token "request principal" and "claim" (to which `claim` leads). One of `values` must fit
    (`word`, `word*`, `*word`, `*`); negated, none may."""

    what: str
    values: tuple[str, ...]
    negate: bool = False
    claim: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One of `sources`, one of `operations` (none given: any) and all of `when` must hold."""

    sources: tuple[tuple[Condition, ...], ...] = ()
    operations: tuple[tuple[Condition, ...], ...] = ()
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send what to a destination: nothing that `deny` names, and (unless None) only what `allow` names.

    `at_gateway`: it is asked of who calls a gateway, who has no identity in the mesh.
    """

    allow: tuple[AccessRule, ...] | None = None
    deny: tuple[AccessRule, ...] = ()
    origins: tuple[Ref, ...] = ()
    at_gateway: bool = False


# The names of the providers whose tokens are taken: each must be valid where one is brought.
Requirement = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JwtProvider:
    """An issuer of tokens and where they stand: `headers` are (name, prefix); without any place, Authorization
    (Bearer) and the query parameter access_token. `keys` is a JSON Web Key Set; "": none is known, so no token is
    valid. `payload` names what checked the token: "row" or "gateway". `claim_headers` are (header, claim). `required`:
    a request without its token is refused too."""

    name: str
    issuer: str
    keys: str
    payload: str
    audiences: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    params: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    forward: bool = False
    payload_header: str = ""
    claim_headers: tuple[tuple[str, str], ...] = ()
    space_delimited: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Authentication:
    """The tokens that are required: by rows (each names one of `requirements`), or of every request at a gateway."""

    name: str
    providers: tuple[JwtProvider, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    origins: tuple[Ref, ...] = ()
    at_gateway: bool = False
