"""Where a captured connection was going, as filter state of the connection and as what routes are chosen by.

HTTP is routed by the host that a request names. Two scripts help where that says too little: one adds the port that the
connection was going to, where the host has none; one finds the Service behind an address, where the host is unknown.
Both route the request as if it had named the full host, and leave it with the host that it came with.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from envoy.config.core.v3 import extension_pb2
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.common.set_filter_state.v3 import value_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.network.set_filter_state.v3 import set_filter_state_pb2
from envoy.extensions.matching.common_inputs.network.v3 import network_inputs_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf import any_pb2

from mesh.envoy.encode.protobuf import packed
from mesh.envoy.encode.xds_matcher import extension, single

DESTINATION_KEY = "mesh.destination"
PORT_FILTER, ADDRESS_FILTER = "mesh.port", "mesh.address"


@cache
def _script(name: str) -> str:
    return files("mesh.envoy.encode").joinpath("lua", name).read_text()


def destination_state() -> set_filter_state_pb2.Config:
    """The network filter that writes "address:port" when a connection opens."""
    value = value_pb2.FilterStateValue(object_key=DESTINATION_KEY, factory_key="envoy.string")
    value.format_string.text_format_source.inline_string = "%DOWNSTREAM_LOCAL_ADDRESS%"
    return set_filter_state_pb2.Config(on_new_connection=[value])


def port_filter() -> any_pb2.Any:
    """Adds the port to hosts without one; skipped for port 80, which is what no port means, and where there is one."""
    script = _lua(_script("port.lua"))
    wrapped = extension_matcher_pb2.ExtensionWithMatcher(
        extension_config=extension_pb2.TypedExtensionConfig(name=PORT_FILTER, typed_config=packed(script))
    )
    port = network_inputs_pb2.DestinationPortInput()
    authority = http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=":authority")
    for predicate in (single("port", port, exact="80"), single("authority", authority, regex=".*:[0-9]+")):
        matcher = wrapped.xds_matcher.matcher_list.matchers.add()
        matcher.predicate.CopyFrom(predicate)
        matcher.on_match.action.CopyFrom(extension("skip", skip_action_pb2.SkipFilter()))
    return packed(wrapped)


def address_filter() -> any_pb2.Any:
    """Does nothing but where a virtual host says so, by `addresses`."""
    return packed(_lua(""))


def addresses(pairs: Sequence[tuple[str, str]]) -> lua_pb2.LuaPerRoute:
    """What the address filter runs for a host: each "address:port" with the host and port of its Service."""
    lines = "".join(f"{place}\t{host}\n" for place, host in pairs)
    route = lua_pb2.LuaPerRoute()
    # Addresses and names of Services have no character that Lua's long strings give a meaning to.
    route.source_code.inline_string = f"local PLACES = [[\n{lines}]]\n{_script('address.lua')}"
    return route


def _lua(source: str) -> lua_pb2.Lua:
    # The scripts clear the route cache themselves: after that they put the host back, and the route must stay.
    script = lua_pb2.Lua()
    script.clear_route_cache.value = False
    if source:
        script.default_source_code.inline_string = source
    return script
