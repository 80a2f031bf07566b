"""The HTTP filter that finds a request's branch: two scripts, one for where requests come in, one for inside the mesh.

Where requests come in, the script comes with the routes, so that a new branch changes no listener. Inside the mesh a
request has the header already, and the filter is skipped. What a branch changes at a host is in `branch_lookup`.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from envoy.config.core.v3 import extension_pb2
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf import any_pb2
from xds.core.v3 import extension_pb2 as xds_core
from xds.type.matcher.v3 import matcher_pb2

from mesh.envoy.encode.protobuf import packed
from mesh.envoy.encode.xds_matcher import extension
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, ENTRY_ORDER, HEADER, PREVIEW_DOMAIN
from mesh.routing.entries import ways_of
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.table import Entries

FILTER = "mesh.branches"
OUTSIDE = frozenset((Role.GATEWAY, Role.NODE_PORT))


@cache
def _script(name: str) -> str:
    return files("mesh.envoy.encode").joinpath("lua", name).read_text()


def branch_filter(listener: Listener) -> any_pb2.Any:
    """The configuration of the filter `mesh.branches` in a listener."""
    if listener.role in OUTSIDE:
        # Empty: what it runs comes with the routes.
        return packed(lua_pb2.Lua())
    own = listener.source.branch if listener.source is not None else ""
    script = lua_pb2.Lua()
    texts = {"HEADER": HEADER, "MEMBER": BAGGAGE_MEMBER, "OWN": own or None}
    script.default_source_code.inline_string = _with_locals("keep.lua", texts)
    if listener.role is Role.DEVELOPER:
        # It may name its branch in the proxy's user name, which no condition below could see: it always runs.
        return packed(script)
    # A Lua script costs more than the rest of a hop: skip it where a matcher shows that it would do nothing.
    wrapped = extension_matcher_pb2.ExtensionWithMatcher(
        extension_config=extension_pb2.TypedExtensionConfig(name=FILTER, typed_config=packed(script))
    )
    matchers = wrapped.xds_matcher.matcher_list.matchers
    _skip_when(matchers.add(), _header_holds(HEADER, regex=".+"))
    if not own:
        no_member = matcher_pb2.Matcher.MatcherList.Predicate()
        no_member.not_matcher.CopyFrom(_header_holds("baggage", contains=BAGGAGE_MEMBER))
        _skip_when(matchers.add(), no_member)
    return packed(wrapped)


def _skip_when(
    matcher: matcher_pb2.Matcher.MatcherList.FieldMatcher, predicate: matcher_pb2.Matcher.MatcherList.Predicate
) -> None:
    matcher.predicate.CopyFrom(predicate)
    matcher.on_match.action.CopyFrom(extension("skip", skip_action_pb2.SkipFilter()))


def _header_holds(header: str, *, regex: str = "", contains: str = "") -> matcher_pb2.Matcher.MatcherList.Predicate:
    predicate = matcher_pb2.Matcher.MatcherList.Predicate()
    single = predicate.single_predicate
    single.input.CopyFrom(header_input(header))
    if regex:
        single.value_match.safe_regex.google_re2.SetInParent()
        single.value_match.safe_regex.regex = regex
    else:
        single.value_match.contains = contains
    return predicate


def header_input(name: str) -> xds_core.TypedExtensionConfig:
    """A request header as the input of a matcher."""
    return extension(name, http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=name))


def entry_script(entries: Entries) -> lua_pb2.LuaPerRoute:
    """What the filter runs where requests come in, with all ways into all branches.

    The ways that a branch's name makes are not written out: with 1,000 branches they would be most of the text.
    """
    ways = ways_of(entries)
    labels = {entry.branch: entry.label for entry in entries.entries if entry.label != entry.branch}
    texts = {
        "ORDER": "".join(f"{kind}\n" for kind in ENTRY_ORDER),
        "HEADER": HEADER,
        "MEMBER": BAGGAGE_MEMBER,
        "DOMAIN": PREVIEW_DOMAIN,
        "WAYS": "".join(f"{key}\t{name}\n" for key, name in ways.by_key.items()),
        "NAMES": "".join(f"{name}\n" for name in ways.names),
        "LABELS": "".join(f"{name}\t{label}\n" for name, label in labels.items()),
        "FIELDS": "".join(f"{kind}:{name}\n" for kind, names in ways.fields.items() for name in names),
    }
    route = lua_pb2.LuaPerRoute()
    route.source_code.inline_string = _with_locals("enter.lua", texts)
    return route


def _with_locals(script: str, texts: Mapping[str, str | None]) -> str:
    """A script behind the local variables that it needs; None is nil."""
    lines = (f"local {name} = {'nil' if text is None else _quoted(text)}\n" for name, text in texts.items())
    return "".join(lines) + _script(script)


def _quoted(text: str) -> str:
    """Text as a Lua string that is safe whatever it contains."""
    if "]==]" not in text:
        return f"[==[\n{text}]==]"
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'
