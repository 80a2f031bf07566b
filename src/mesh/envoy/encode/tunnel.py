"""CONNECT: filters of its own, and a virtual host whose one route opens the tunnel.

A route for CONNECT would be needed in every virtual host, since the request names the host that it wants to reach. A
script writes another name instead. Other requests pass none of this.
"""

from importlib.resources import files

from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as hcm

from mesh.envoy.encode.protobuf import duration, packed
from mesh.routing.model.tunnel import TUNNEL, TUNNEL_HEADER

FILTER = "mesh.tunnel"
# No Service has this name: it is none that DNS allows.
HOST = "_tunnel"


def tunnel_upgrade() -> hcm.HttpConnectionManager.UpgradeConfig:
    """What a connection manager does with CONNECT."""
    upgrade = hcm.HttpConnectionManager.UpgradeConfig(upgrade_type="CONNECT")
    upgrade.enabled.value = True
    script = lua_pb2.Lua()
    text = files("mesh.envoy.encode").joinpath("lua", "tunnel.lua").read_text()
    script.default_source_code.inline_string = f'local HOST, HEADER = "{HOST}", "{TUNNEL_HEADER}"\n{text}'
    upgrade.filters.add(name=FILTER).typed_config.CopyFrom(packed(script))
    router = router_pb2.Router(suppress_envoy_headers=True)
    upgrade.filters.add(name="envoy.filters.http.router").typed_config.CopyFrom(packed(router))
    return upgrade


def tunnel_host() -> rc.VirtualHost:
    """The host that the script names. Its tunnels stay open as long as somebody uses them."""
    host = rc.VirtualHost(name=HOST, domains=(HOST,))
    route = host.routes.add(name="tunnel")
    route.match.connect_matcher.SetInParent()
    route.route.cluster = TUNNEL
    route.route.timeout.CopyFrom(duration(0))
    upgrade = route.route.upgrade_configs.add(upgrade_type="CONNECT")
    upgrade.connect_config.SetInParent()
    return host
