"""What a request's branch changes at a host: rows of its own, or the cluster of the host's rows.

Most branches replace clusters and nothing else. Which ones is in their records (`branch_records`): here is only the row
that asks them. Where the difference is more than a cluster, branches have rows of their own in the host's matcher tree
(xDS `Matcher`, `exact_match_map`) by the header `x-branch`, whose cost for a request does not grow with the number of
branches. Its parts are kept as bytes, since one more branch changes one entry.
"""

from collections.abc import Callable, Iterable, Sequence

from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.extensions.router.cluster_specifiers.lua.v3 import lua_pb2
from xds.type.matcher.v3 import matcher_pb2

from mesh.envoy.encode.branch_records import NOWHERE
from mesh.envoy.encode.branches import destination_script, header_input
from mesh.envoy.encode.protobuf import field, number_of, packed, serialized
from mesh.envoy.encode.xds_matcher import extension
from mesh.resources.meshmall.branch import HEADER
from mesh.routing.branches.overrides import overridden
from mesh.routing.model.route import Route
from mesh.routing.model.table import BranchOverride

Swap = tuple[tuple[str, str], ...]
# A row as one message, or as two where requests in a branch have one of their own.
Encode = Callable[[Route], Iterable[rc.Route]]


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
    rows = rc.RouteList(routes=[row for route in routes for row in encode(route)])
    return serialized(matcher_pb2.Matcher.OnMatch(action=extension(name, rows)))


def cluster_plugin(name: str, row: str, cluster: str) -> rc.ClusterSpecifierPlugin:
    """Chooses where a request in a branch goes whose row goes to `cluster` for everybody else."""
    script = lua_pb2.LuaConfig(default_cluster=NOWHERE)
    script.source_code.inline_string = destination_script(row, cluster)
    plugin = rc.ClusterSpecifierPlugin()
    plugin.extension.name = name
    plugin.extension.typed_config.CopyFrom(packed(script))
    return plugin


def for_branches(row: rc.Route, plugin: str) -> rc.Route:
    """The same row for requests in a branch only: it goes before the row, and asks a plugin for its cluster.

    The row itself stays as it is, so that requests in no branch never run a script.
    """
    twin = rc.Route()
    twin.CopyFrom(row)
    twin.match.headers.add(name=HEADER, present_match=True)
    twin.route.cluster_specifier_plugin = plugin
    return twin


def divided(overrides: Iterable[BranchOverride]) -> tuple[tuple[BranchOverride, ...], tuple[Swap, ...]]:
    """The overrides that need rows of their own, and what all others replace.

    The others replace clusters and nothing else: all of these are ready, none has a fault, and the host is not the
    branch's own. What they replace is the same object for most of them: with thousands of branches, looking into each
    would take too long.
    """
    by_rows = []
    swaps: dict[int, Swap] = {}
    for override in overrides:
        swap = override.swap
        if override.refusal or override.faults or not swap or swap[0][0] == "":
            by_rows.append(override)
        else:
            swaps[id(swap)] = swap
    return tuple(by_rows), tuple(swaps.values())
