"""The look-up of a request's branch at a host: which rows, or which cluster, a branch has there.

It is a matcher tree (xDS `Matcher`, `exact_match_map`) by the header `x-branch`, whose cost for a request does not
grow with the number of branches. Its parts are kept as bytes, since a new branch changes one entry of a thousand.
"""

from collections.abc import Callable, Iterable, Sequence

from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.extensions.router.cluster_specifiers.matcher.v3 import matcher_pb2 as specifier_pb2
from xds.type.matcher.v3 import matcher_pb2

from mesh.envoy.encode.branches import header_input
from mesh.envoy.encode.protobuf import field, number_of, serialized
from mesh.envoy.encode.xds_matcher import extension
from mesh.resources.meshmall.branch import HEADER
from mesh.routing.branches.overrides import overridden
from mesh.routing.model.route import Route
from mesh.routing.model.table import BranchOverride

Encode = Callable[[Route], rc.Route]


class Lookup:
    """Joins look-ups by branch from entries that were encoded before."""

    def __init__(self) -> None:
        tree = matcher_pb2.Matcher.MatcherTree
        self._tree = number_of(matcher_pb2.Matcher, "matcher_tree")
        self._map = number_of(tree, "exact_match_map")
        self._entry = number_of(tree.MatchMap, "map")
        self._input = field(number_of(tree, "input"), serialized(header_input(HEADER)))
        self._no_match = number_of(matcher_pb2.Matcher, "on_no_match")

    def entry(self, branch: str, on_match: bytes) -> bytes:
        """One branch's OnMatch in the look-up; fields 1 and 2 are a protobuf map's key and value."""
        return field(self._entry, field(1, branch.encode()) + field(2, on_match))

    def matcher(self, entries: Iterable[bytes], on_no_match: bytes) -> bytes:
        """An xds.type.matcher.v3.Matcher."""
        tree = self._input + field(self._map, b"".join(entries))
        return field(self._tree, tree) + field(self._no_match, on_no_match)


class BranchRows:
    """Hosts at which a branch has rows of its own, since its difference is more than a cluster."""

    def __init__(self, encode: Encode, lookup: Lookup) -> None:
        self._encode = encode
        self._lookup = lookup
        self._encoded: dict[str, tuple[Sequence[Route], dict[BranchOverride, bytes]]] = {}

    def matcher(
        self, place: str, routes: Sequence[Route], overrides: Iterable[BranchOverride], baseline: Encode
    ) -> bytes:
        """A host's look-up by branch; `baseline` encodes the rows for everybody else.

        `place` names the host among all tables' hosts: what was encoded for it last is used again.
        """
        last_routes, last = self._encoded.get(place, ((), {}))
        if last_routes is not routes and last_routes != routes:
            last = {}
        entries: dict[BranchOverride, bytes] = {}
        for override in overrides:
            entry = last.get(override)
            if entry is None:
                rows = _on_match_rows(override.branch, overridden(routes, override), self._encode)
                entry = self._lookup.entry(override.branch, rows)
            entries[override] = entry
        self._encoded[place] = (routes, entries)
        return self._lookup.matcher(entries.values(), _on_match_rows("baseline", routes, baseline))


def _on_match_rows(name: str, routes: Sequence[Route], encode: Encode) -> bytes:
    rows = rc.RouteList(routes=[encode(route) for route in routes])
    return serialized(matcher_pb2.Matcher.OnMatch(action=extension(name, rows)))


class BranchClusters:
    """Hosts at which branches differ by the cluster alone: the rows are the host's, and ask a plugin for it."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._entries: dict[tuple[str, str], bytes] = {}

    def plugin(self, name: str, cluster: str, overrides: Iterable[BranchOverride]) -> bytes:
        """A ClusterSpecifierPlugin that chooses by branch where a row to `cluster` goes."""
        entries = []
        for override in overrides:
            for former, replacement in override.swap:
                if former == cluster:
                    key = (override.branch, replacement)
                    entry = self._entries.get(key)
                    if entry is None:
                        entry = self._lookup.entry(override.branch, _on_match_cluster(replacement))
                        self._entries[key] = entry
                    entries.append(entry)
        matcher = self._lookup.matcher(entries, _on_match_cluster(cluster))
        specifier = field(number_of(specifier_pb2.MatcherClusterSpecifier, "cluster_matcher"), matcher)
        kind = f"type.googleapis.com/{specifier_pb2.MatcherClusterSpecifier.DESCRIPTOR.full_name}"
        # Fields 1 and 2 of an Any are its type URL and value, of a TypedExtensionConfig its name and Any.
        typed = field(1, kind.encode()) + field(2, specifier)
        config = field(1, name.encode()) + field(2, typed)
        return field(number_of(rc.ClusterSpecifierPlugin, "extension"), config)


def _on_match_cluster(cluster: str) -> bytes:
    action = extension("cluster", specifier_pb2.ClusterAction(cluster=cluster))
    return serialized(matcher_pb2.Matcher.OnMatch(action=action))


def differs_by_cluster(override: BranchOverride) -> bool:
    """Whether a branch replaces clusters and nothing else: all are ready, and the host is not the branch's own."""
    return not override.refusal and bool(override.swap) and override.swap[0][0] != ""
