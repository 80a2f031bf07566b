"""Objects as the compiler takes them, what they compile to, and which row of a table takes a request."""

import re
from collections.abc import Mapping

import msgspec

from mesh.resources.kinds import REGISTRY
from mesh.resources.values.meta import Resource
from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.route import Forward, Route
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.world import MeshSettings, World
from tests.support.objects import Body

Headers = Mapping[str, str]


def typed(raw: Body, age: int = 0) -> Resource:
    definition = REGISTRY.by_kind(raw["apiVersion"].rpartition("/")[0], raw["kind"])
    assert definition is not None
    stamp = {"creationTimestamp": f"2026-01-01T00:00:{age:02d}Z"}
    return msgspec.convert({**raw, "metadata": {**raw["metadata"], **stamp}}, definition.type)


def snapshot(*bodies: Body) -> Snapshot:
    """Compiles the objects, each a second younger than the one before it."""
    world = World.build(1, [typed(raw, age) for age, raw in enumerate(bodies)])
    return compile(world, MeshSettings())


def holds(pattern: Pattern, value: str | None) -> bool:
    if value is None:
        return False
    if pattern.kind is MatchKind.PRESENT:
        return True
    if pattern.kind is MatchKind.EXACT:
        return value == pattern.value
    if pattern.kind is MatchKind.PREFIX:
        return value.startswith(pattern.value)
    return re.fullmatch(pattern.value, value) is not None


def field_holds(match: FieldMatch, values: Mapping[str, str]) -> bool:
    return holds(match.pattern, values.get(match.name)) is not match.invert


def takes(match: Match, path: str, headers: Headers, labels: Mapping[str, str]) -> bool:
    return (
        (match.path is None or holds(match.path, path))
        and all(field_holds(header, headers) for header in match.headers)
        and all(labels.get(key) == value for key, value in match.source_labels)
    )


def decided(
    snap: Snapshot,
    host: str,
    headers: Headers | None = None,
    path: str = "/",
    labels: Mapping[str, str] | None = None,
    table: str = "outbound|mesh",
) -> Route | None:
    """The row that takes a request: what Envoy does with a table, in a few lines."""
    hosts = snap.tables[table].hosts
    exact = [item for item in hosts if host in item.domains]
    found = exact or [item for item in hosts if "*" in item.domains]
    for row in found[0].routes if found else ():
        if takes(row.match, path, headers or {}, labels or {}):
            return row
    return None


def clusters(row: Route | None) -> list[str]:
    """Where a row sends, without the common parts of the names: `products`, `mall:v1`."""
    if row is None or not isinstance(row.action, Forward):
        return []
    found = []
    for item in row.action.to:
        _, _, subset, host = item.cluster.split("|")
        found.append(host.removesuffix(".mesh.svc.cluster.local") + (f":{subset}" if subset else ""))
    return found
