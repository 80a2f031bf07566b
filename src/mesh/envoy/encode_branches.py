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
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf import any_pb2
from xds.core.v3 import extension_pb2 as xds_core
from xds.type.matcher.v3 import matcher_pb2

from mesh.resources.branch import BAGGAGE_MEMBER, HEADER
from mesh.routing.branches import diverted
from mesh.routing.table import Divert, Entries, Listener, Role, Route

FILTER = "mesh.branches"
OUTSIDE = frozenset((Role.GATEWAY, Role.NODE_PORT))
Encode = Callable[[Route], rc.Route]


@cache
def _script(name: str) -> str:
    return files("mesh.envoy").joinpath("lua", name).read_text()


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
    """What the filter runs where requests come in, with all ways into all branches."""
    data = "".join(f"{each.key}\t{each.branch}\t{each.label}\n" for each in entries.entries)
    route = lua_pb2.LuaPerRoute()
    route.source_code.inline_string = f"local DATA = {_quoted(data)}\n{_script('enter.lua')}"
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


class Diverter:
    """Keeps what it encoded for each branch at each host: a branch that did not change is not encoded again."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._held: dict[str, tuple[Sequence[Route], dict[Divert, bytes]]] = {}
        tree = matcher_pb2.Matcher.MatcherTree
        self._tree = number_of(matcher_pb2.Matcher, "matcher_tree")
        self._map = number_of(tree, "exact_match_map")
        self._entry = number_of(tree.MatchMap, "map")
        self._input = field(number_of(tree, "input"), serialized(_header(HEADER)))
        self._no_match = number_of(matcher_pb2.Matcher, "on_no_match")

    def matcher(self, place: str, routes: Sequence[Route], diverts: Iterable[Divert]) -> bytes:
        """A host's look-up by branch: an xds.type.matcher.v3.Matcher. `place` names the host among all tables'."""
        known, held = self._held.get(place, ((), {}))
        if known is not routes and known != routes:
            held = {}
        found: dict[Divert, bytes] = {}
        for divert in diverts:
            entry = held.get(divert)
            if entry is None:
                rows = self._rows(divert.branch, diverted(routes, divert))
                entry = field(self._entry, field(1, divert.branch.encode()) + field(2, rows))
            found[divert] = entry
        self._held[place] = (routes, found)
        tree = self._input + field(self._map, b"".join(found.values()))
        return field(self._tree, tree) + field(self._no_match, self._rows("baseline", routes))

    def _rows(self, name: str, routes: Sequence[Route]) -> bytes:
        rows = rc.RouteList(routes=[self._encode(route) for route in routes])
        return serialized(matcher_pb2.Matcher.OnMatch(action=_extension(name, rows)))
