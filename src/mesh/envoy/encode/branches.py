"""Branches to Envoy's messages: one look-up by header a host, and the two scripts that find a request's branch.

The look-up is a matcher tree (xDS `Matcher`, `exact_match_map`), whose cost does not grow with the number of
branches. Where requests come in, the Lua filter asks a table that comes with the routes: a new branch changes no
listener. Inside the mesh a request has the header already, and the filter is skipped.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from envoy.config.core.v3 import extension_pb2
from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.router.cluster_specifiers.matcher.v3 import matcher_pb2 as specifier_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf import any_pb2
from xds.core.v3 import extension_pb2 as xds_core
from xds.type.matcher.v3 import matcher_pb2

from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, HEADER, preview_host
from mesh.routing.branches import diverted
from mesh.routing.table import Divert, Entries, Listener, Role, Route

FILTER = "mesh.branches"
OUTSIDE = frozenset((Role.GATEWAY, Role.NODE_PORT))
Encode = Callable[[Route], rc.Route]


@cache
def _script(name: str) -> str:
    return files("mesh.envoy.encode").joinpath("lua", name).read_text()


def packed(message: object) -> any_pb2.Any:
    """A message as Envoy's typed configuration; equal messages give equal bytes."""
    held = any_pb2.Any()
    held.Pack(message, deterministic=True)
    return held


def branch_filter(listener: Listener) -> any_pb2.Any:
    """The configuration of the HTTP filter `mesh.branches` in a listener."""
    if listener.role in OUTSIDE:
        # What it runs comes with the routes.
        return packed(lua_pb2.Lua())
    own = listener.source.branch if listener.source is not None else ""
    script = lua_pb2.Lua()
    script.default_source_code.inline_string = f"local OWN = {_quoted(own) if own else 'nil'}\n{_script('keep.lua')}"
    if listener.role is Role.DEVELOPER:
        return packed(script)
    wrapped = extension_matcher_pb2.ExtensionWithMatcher(
        extension_config=extension_pb2.TypedExtensionConfig(name=FILTER, typed_config=packed(script))
    )
    matchers = wrapped.xds_matcher.matcher_list.matchers
    _skip_when(matchers.add(), _holds(HEADER, regex=".+"))
    if not own:
        unless = matcher_pb2.Matcher.MatcherList.Predicate()
        unless.not_matcher.CopyFrom(_holds("baggage", contains=BAGGAGE_MEMBER))
        _skip_when(matchers.add(), unless)
    return packed(wrapped)


def _skip_when(
    matcher: matcher_pb2.Matcher.MatcherList.FieldMatcher, predicate: matcher_pb2.Matcher.MatcherList.Predicate
) -> None:
    matcher.predicate.CopyFrom(predicate)
    matcher.on_match.action.CopyFrom(_extension("skip", skip_action_pb2.SkipFilter()))


def _holds(header: str, *, regex: str = "", contains: str = "") -> matcher_pb2.Matcher.MatcherList.Predicate:
    predicate = matcher_pb2.Matcher.MatcherList.Predicate()
    single = predicate.single_predicate
    single.input.CopyFrom(_header(header))
    if regex:
        single.value_match.safe_regex.google_re2.SetInParent()
        single.value_match.safe_regex.regex = regex
    else:
        single.value_match.contains = contains
    return predicate


def _header(name: str) -> xds_core.TypedExtensionConfig:
    return _extension(name, http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=name))


def _extension(name: str, message: object) -> xds_core.TypedExtensionConfig:
    return xds_core.TypedExtensionConfig(name=name, typed_config=packed(message))


def entry_script(entries: Entries) -> any_pb2.Any:
    """What the filter runs where requests come in, with all ways into all branches.

    The ways that every branch has by its name are not written out: the script makes them of the names.
    """
    branches = {each.branch: each.label for each in entries.entries}
    own = {key for name in branches for key in (f"baggage:{BAGGAGE_MEMBER}={name}", f"host:{preview_host(name)}")}
    ways = {each.key: each.branch for each in entries.entries if each.key not in own}
    wanted = dict.fromkeys(key.partition("=")[0] for key in ways if not key.startswith("host:"))
    tables = {
        "WAYS": "".join(f"{key}\t{name}\n" for key, name in ways.items()),
        "NAMES": "".join(f"{name}\n" for name in branches),
        "LABELS": "".join(f"{name}\t{label}\n" for name, label in branches.items() if label != name),
        "WANTED": "".join(f"{each}\n" for each in wanted),
    }
    route = lua_pb2.LuaPerRoute()
    texts = "".join(f"local {name} = {_quoted(text)}\n" for name, text in tables.items())
    route.source_code.inline_string = texts + _script("enter.lua")
    return packed(route)


def _quoted(text: str) -> str:
    """Text as a Lua string that is safe whatever it holds."""
    if "]==]" not in text:
        return f"[==[\n{text}]==]"
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field as protobuf writes it, so that parts that did not change are joined, not built."""
    head = bytearray()
    for each in (number << 3 | 2, len(value)):
        rest = each
        while rest > 0x7F:
            head.append(rest & 0x7F | 0x80)
            rest >>= 7
        head.append(rest)
    return bytes(head) + value


def serialized(message: Any) -> bytes:
    """A message as bytes; equal messages give equal bytes."""
    found: bytes = message.SerializeToString(deterministic=True)
    return found


def number_of(message: type[Any], name: str) -> int:
    """A field's number."""
    found: int = message.DESCRIPTOR.fields_by_name[name].number
    return found


class Chooser:
    """Look-ups by branch, joined from parts that are kept as they were encoded."""

    def __init__(self) -> None:
        tree = matcher_pb2.Matcher.MatcherTree
        self._tree = number_of(matcher_pb2.Matcher, "matcher_tree")
        self._map = number_of(tree, "exact_match_map")
        self._entry = number_of(tree.MatchMap, "map")
        self._input = field(number_of(tree, "input"), serialized(_header(HEADER)))
        self._no_match = number_of(matcher_pb2.Matcher, "on_no_match")

    def entry(self, branch: str, action: bytes) -> bytes:
        """One branch's OnMatch in the look-up."""
        return field(self._entry, field(1, branch.encode()) + field(2, action))

    def matcher(self, entries: Iterable[bytes], otherwise: bytes) -> bytes:
        """An xds.type.matcher.v3.Matcher."""
        tree = self._input + field(self._map, b"".join(entries))
        return field(self._tree, tree) + field(self._no_match, otherwise)


class Rows:
    """Hosts at which a branch has rows of its own, since a destination alone does not say what it does."""

    def __init__(self, encode: Encode, chooser: Chooser) -> None:
        self._encode = encode
        self._chooser = chooser
        self._held: dict[str, tuple[Sequence[Route], dict[Divert, bytes]]] = {}

    def matcher(self, place: str, routes: Sequence[Route], diverts: Iterable[Divert], otherwise: Encode) -> bytes:
        """A host's look-up by branch. `place` names the host among all tables'."""
        known, held = self._held.get(place, ((), {}))
        if known is not routes and known != routes:
            held = {}
        found: dict[Divert, bytes] = {}
        for divert in diverts:
            entry = held.get(divert)
            if entry is None:
                rows = _rows(divert.branch, diverted(routes, divert), self._encode)
                entry = self._chooser.entry(divert.branch, rows)
            found[divert] = entry
        self._held[place] = (routes, found)
        return self._chooser.matcher(found.values(), _rows("baseline", routes, otherwise))


def _rows(name: str, routes: Sequence[Route], encode: Encode) -> bytes:
    rows = rc.RouteList(routes=[encode(route) for route in routes])
    return serialized(matcher_pb2.Matcher.OnMatch(action=_extension(name, rows)))


class Destinations:
    """Hosts at which a branch differs by its destination alone: the host's own rows, which ask for their cluster."""

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser
        self._held: dict[tuple[str, str], bytes] = {}

    def plugin(self, name: str, cluster: str, diverts: Iterable[Divert]) -> bytes:
        """A ClusterSpecifierPlugin that chooses where a row to `cluster` goes, by branch."""
        entries = []
        for divert in diverts:
            for former, place in divert.swap:
                if former == cluster:
                    key = (divert.branch, place)
                    entry = self._held.get(key)
                    if entry is None:
                        entry = self._held[key] = self._chooser.entry(divert.branch, _chosen(place))
                    entries.append(entry)
        matcher = self._chooser.matcher(entries, _chosen(cluster))
        specifier = field(number_of(specifier_pb2.MatcherClusterSpecifier, "cluster_matcher"), matcher)
        kind = f"type.googleapis.com/{specifier_pb2.MatcherClusterSpecifier.DESCRIPTOR.full_name}"
        typed = field(1, kind.encode()) + field(2, specifier)
        extension = field(1, name.encode()) + field(2, typed)
        return field(number_of(rc.ClusterSpecifierPlugin, "extension"), extension)


def _chosen(cluster: str) -> bytes:
    action = _extension("cluster", specifier_pb2.ClusterAction(cluster=cluster))
    return serialized(matcher_pb2.Matcher.OnMatch(action=action))


def by_destination(divert: Divert) -> bool:
    """Whether a branch differs by its destinations alone: all are there, and the host is not its own."""
    return not divert.refusal and bool(divert.swap) and divert.swap[0][0] != ""
