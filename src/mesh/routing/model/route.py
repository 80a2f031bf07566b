"""Rows: what is done with a request that matches, and the features that a row may have."""

from dataclasses import dataclass
from typing import Literal

from mesh.resources.values.ref import Ref
from mesh.routing.model.match import Match, Pattern
from mesh.routing.model.security import Access, Requirement


@dataclass(frozen=True, slots=True)
class HeaderChange:
    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """`authority` stands for the request's `Host`, which is no header like others."""

    request: HeaderChange = HeaderChange()
    response: HeaderChange = HeaderChange()
    authority: str = ""


@dataclass(frozen=True, slots=True)
class WeightedCluster:
    """One destination of a route; weights are relative to their sum."""

    cluster: str
    weight: int = 100
    headers: HeaderChanges = HeaderChanges()


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` are retries after the first try. `retry_on` has Envoy's condition names. `backoff` is the least
    time between two tries; None leaves Envoy's (25 ms)."""

    attempts: int
    retry_on: tuple[str, ...]
    status_codes: tuple[int, ...] = ()
    per_try_timeout: float | None = None
    avoid_previous_hosts: bool = True
    backoff: float | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    authority: str | None = None
    prefix: str | None = None
    regex: str | None = None
    substitution: str | None = None


@dataclass(frozen=True, slots=True)
class HashOn:
    """What a consistent hash is taken of: a header, a cookie (created with this lifetime when it is absent), a
    query parameter, or the caller's address."""

    kind: Literal["header", "cookie", "query", "source"]
    name: str = ""
    ttl: float | None = None
    path: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of `to`. `timeout` None means no timeout (Istio's default for HTTP)."""

    to: tuple[WeightedCluster, ...]
    timeout: float | None = None
    retry: Retry | None = None
    rewrite: Rewrite | None = None
    mirrors: tuple[tuple[str, float], ...] = ()
    hash_on: tuple[HashOn, ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    status: int = 301
    scheme: str | None = None
    authority: str | None = None
    port: int | None = None
    path: str | None = None
    prefix: str | None = None
    regex: str | None = None
    substitution: str | None = None


@dataclass(frozen=True, slots=True)
class Respond:
    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Percentages are 0-100. `abort_grpc` is the number of a gRPC status, instead of an HTTP one."""

    delay: float | None = None
    delay_percent: float = 0.0
    abort_status: int | None = None
    abort_percent: float = 0.0
    abort_grpc: int | None = None


@dataclass(frozen=True, slots=True)
class Cors:
    allow_origins: tuple[Pattern, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: float | None = None
    allow_credentials: bool | None = None
    forward_unmatched: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One row; the first whose match holds decides. `name` is shown to people: `mesh/products[fox]`."""

    name: str
    match: Match
    action: Forward | Redirect | Respond
    headers: HeaderChanges = HeaderChanges()
    fault: Fault | None = None
    cors: Cors | None = None
    origins: tuple[Ref, ...] = ()
    stat_prefix: str = ""
    access: tuple[Access, ...] = ()
    authentication: Requirement = ()
