"""The HTTP filter that finds a request's branch: two scripts, one for where requests come in, one for inside the mesh.

Both come with the routes, so that listeners stay when the first branch comes. What branches there are they read from
records (`branch_records`), so that routes stay when another one comes. Inside the mesh the filter is skipped for
requests that carry nothing of a branch. What a branch changes at a host is in `branch_lookup`.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from envoy.config.core.v3 import extension_pb2
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.http.set_metadata.v3 import set_metadata_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf import any_pb2
from xds.core.v3 import extension_pb2 as xds_core

from mesh.envoy.encode.branch_records import FOLDER, LONGEST_FILE, file_name
from mesh.envoy.encode.protobuf import packed
from mesh.envoy.encode.xds_matcher import Predicate, any_of, extension, not_
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, ENTRY_ORDER, HEADER, LONGEST_NAME, PREVIEW_DOMAIN
from mesh.resources.meshmall.marks import COOKIE, TAG_PREFIX, TRACESTATE_KEY
from mesh.routing.entries import Ways
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.table import BRANCH_METADATA

FILTER = "mesh.branches"
OWNER_FILTER = "mesh.owner"
# The dynamic metadata in which it is written whose program calls.
OWNER = "mesh.owner"
OUTSIDE = frozenset((Role.GATEWAY, Role.NODE_PORT))
# What a request that is in a branch has in at least one header (name, and text that is part of the value).
SIGNS = (
    ("baggage", BAGGAGE_MEMBER),
    ("x-request-id", "@"),
    ("tracestate", f"{TRACESTATE_KEY}="),
    ("traceparent", f"-{TAG_PREFIX}"),
    ("b3", TAG_PREFIX),
    ("x-b3-traceid", TAG_PREFIX),
    ("cookie", f"{COOKIE}="),
)


@cache
def _script(name: str) -> str:
    return files("mesh.envoy.encode").joinpath("lua", name).read_text()


def branch_filters(listener: Listener) -> Iterator[tuple[str, any_pb2.Any]]:
    """The filters by which a listener finds the branch of a request, with their names. What the last one runs comes
    with the routes."""
    own = listener.source.branch if listener.source is not None else ""
    if listener.role is Role.DEVELOPER:
        script = lua_pb2.Lua()
        script.default_source_code.inline_string = with_locals({"OWNER": OWNER}, "user.lua")
        yield OWNER_FILTER, packed(script)
    elif own:
        metadata = set_metadata_pb2.Config()
        metadata.metadata.add(metadata_namespace=OWNER).value.update({"branch": own})
        yield OWNER_FILTER, packed(metadata)
    if own or listener.role in (*OUTSIDE, Role.DEVELOPER):
        yield FILTER, packed(lua_pb2.Lua())
        return
    # A Lua script costs more than the rest of a hop: skip it where a matcher shows that it would do nothing.
    wrapped = extension_matcher_pb2.ExtensionWithMatcher(
        extension_config=extension_pb2.TypedExtensionConfig(name=FILTER, typed_config=packed(lua_pb2.Lua()))
    )
    signs = [_header_holds(HEADER, regex=".+"), *(_header_holds(name, contains=text) for name, text in SIGNS)]
    skipped = wrapped.xds_matcher.matcher_list.matchers.add()
    skipped.predicate.CopyFrom(not_(any_of(signs)))
    skipped.on_match.action.CopyFrom(extension("skip", skip_action_pb2.SkipFilter()))
    yield FILTER, packed(wrapped)


def _header_holds(header: str, *, regex: str = "", contains: str = "") -> Predicate:
    predicate = Predicate()
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


def entry_script(ways: Ways) -> lua_pb2.LuaPerRoute:
    """What the filter runs where requests come in.

    The ways themselves are files; here are the names of the cookies, headers, ... that they ask for, which many
    branches share.
    """
    long_ways = {key: name for key, name in ways.by_key.items() if file_name(key) is None}
    fields = [f"{kind}:{name}\n" for kind, names in ways.fields.items() for name in names]
    if any(key.startswith("host:") for key in ways.by_key):
        fields.append("host:*\n")
    texts = {
        "ORDER": "".join(f"{kind}\n" for kind in ENTRY_ORDER),
        "DOMAIN": PREVIEW_DOMAIN,
        "WAYS": "".join(f"{key}\t{name}\n" for key, name in long_ways.items()),
        "FIELDS": "".join(fields),
    }
    return _per_route(texts, "enter.lua", {"LONGEST_FILE": LONGEST_FILE})


@cache
def inner_script() -> lua_pb2.LuaPerRoute:
    """What the filter runs inside the mesh: it keeps requests in the branches that exist."""
    return _per_route({"OWNER": OWNER}, "keep.lua")


def destination_script(row: str, cluster: str) -> str:
    """The cluster specifier of a row to `cluster`, for requests in a branch; `row` is its name in the records."""
    texts = {"FOLDER": FOLDER, "HEADER": HEADER, "ROW": row, "CLUSTER": cluster}
    return with_locals({**texts, "LONGEST_NAME": LONGEST_NAME}, "records.lua", "destination.lua")


def _mark_texts() -> dict[str, str]:
    """The variables of `marks.lua`. A binary trace context is two zeros and the id's bytes; six digits of Base64 are
    what is certain of it."""
    return {
        "HEADER": HEADER,
        "NOTES": BRANCH_METADATA,
        "MEMBER": BAGGAGE_MEMBER,
        "PREFIX": TAG_PREFIX,
        "BINARY": b64encode(bytes((0, 0)) + bytes.fromhex(TAG_PREFIX)).decode()[:6],
        "STATE": TRACESTATE_KEY,
        "COOKIE": COOKIE,
    }


def _per_route(texts: Mapping[str, str], script: str, numbers: Mapping[str, int] | None = None) -> lua_pb2.LuaPerRoute:
    route = lua_pb2.LuaPerRoute()
    values: dict[str, str | int] = {"FOLDER": FOLDER, "LONGEST_NAME": LONGEST_NAME, **_mark_texts(), **texts}
    route.source_code.inline_string = with_locals({**values, **(numbers or {})}, "records.lua", "marks.lua", script)
    return route


def with_locals(values: Mapping[str, str | int], *scripts: str) -> str:
    """Scripts behind the local variables that they need."""
    lines = (
        f"local {name} = {value if isinstance(value, int) else _quoted(value)}\n" for name, value in values.items()
    )
    return "".join((*lines, *map(_script, scripts)))


def _quoted(text: str) -> str:
    """Text as a Lua string that is safe whatever it contains."""
    if "]==]" not in text:
        return f"[==[\n{text}]==]"
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'
