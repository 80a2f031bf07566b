"""A listener's HTTP connection manager: limits, what is trusted of a client, and the chain of HTTP filters."""

from envoy.config.core.v3 import config_source_pb2
from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as hcm

from mesh.envoy.encode.access import FILTER as ACCESS_FILTER
from mesh.envoy.encode.access_log import hop_log
from mesh.envoy.encode.authentication import FILTER_TYPE
from mesh.envoy.encode.branches import branch_filters
from mesh.envoy.encode.cors import FILTER as CORS_FILTER
from mesh.envoy.encode.destination import ADDRESS_FILTER, PORT_FILTER, address_filter, port_filter
from mesh.envoy.encode.fault import FILTER as FAULT_FILTER
from mesh.envoy.encode.passthrough import FILTER as PASSTHROUGH_FILTER
from mesh.envoy.encode.passthrough import passthrough_filter
from mesh.envoy.encode.protobuf import ads, duration, packed
from mesh.envoy.encode.tunnel import tunnel_upgrade
from mesh.routing.model.listener import Listener, Role
from mesh.routing.security.authentication import ROWS

STREAM_IDLE = 300.0
CONNECTION_IDLE = 3600.0
HEADERS_LIMIT = 30.0
HEADERS_KB = 60
# What Envoy's guide for edge proxies advises for listeners that anybody can reach.
MAX_STREAMS = 100
STREAM_WINDOW, CONNECTION_WINDOW = 1 << 16, 1 << 20
# What clients propose on the off-chance: HTTP/2 and TLS on the same connection.
IGNORED_UPGRADES = ("h2c", "HTTP/", "TLS/")


def http_connection_manager(listener: Listener, table: str) -> hcm.HttpConnectionManager:
    """The manager of a listener that routes by a table."""
    message = hcm.HttpConnectionManager(
        stat_prefix=listener.role.value,
        server_header_transformation=hcm.HttpConnectionManager.PASS_THROUGH,
        stream_idle_timeout=duration(STREAM_IDLE),
        request_headers_timeout=duration(HEADERS_LIMIT),
        preserve_external_request_id=True,
        path_with_escaped_slashes_action=hcm.HttpConnectionManager.KEEP_UNCHANGED,
        strip_trailing_host_dot=True,
    )
    message.normalize_path.value = True
    outside = listener.role in (Role.GATEWAY, Role.NODE_PORT)
    _encode_trust(message, outside=outside)
    # Programs that follow HTTP_PROXY write the whole URL into the request line.
    message.http_protocol_options.allow_absolute_url.value = True
    # A server may ignore an upgrade (RFC 9110, section 7.8); Envoy would refuse these with 403.
    for protocol in IGNORED_UPGRADES:
        message.http_protocol_options.ignore_http_11_upgrade.add(prefix=protocol, ignore_case=True)
    # Envoy takes every version but HTTP/1.1 for HTTP/1.0, from HTTP/0.9 to "HTTP/2.0" in a request line. From outside
    # they are answered 426, as by Istio's gateway; old programs in pods may speak HTTP/1.0.
    if not outside:
        message.http_protocol_options.accept_http_10 = True
        message.http_protocol_options.default_host_for_http_10 = "http10"
    message.common_http_protocol_options.idle_timeout.CopyFrom(duration(CONNECTION_IDLE))
    message.max_request_headers_kb.value = HEADERS_KB
    message.rds.route_config_name = table
    message.rds.config_source.CopyFrom(ads())
    upgrade = message.upgrade_configs.add(upgrade_type="websocket")
    upgrade.enabled.value = True
    if listener.is_proxy:
        message.upgrade_configs.append(tunnel_upgrade())
    if listener.logged:
        log = packed(hop_log(captured=listener.capture is not None))
        message.access_log.add(name="envoy.access_loggers.file").typed_config.CopyFrom(log)
    _encode_filters(message, listener)
    return message


def _encode_trust(message: hcm.HttpConnectionManager, *, outside: bool) -> None:
    """A client outside is who its connection says. A pod's call is left as it is, whatever caller its headers claim."""
    message.use_remote_address.value = outside
    message.skip_xff_append = not outside
    if outside:
        message.http2_protocol_options.max_concurrent_streams.value = MAX_STREAMS
        message.http2_protocol_options.initial_stream_window_size.value = STREAM_WINDOW
        message.http2_protocol_options.initial_connection_window_size.value = CONNECTION_WINDOW


def _encode_filters(message: hcm.HttpConnectionManager, listener: Listener) -> None:
    """The HTTP filters, in the order in which requests pass them.

    1. A gateway's tokens: matches may ask for a claim, and the route is chosen when the next filter asks for it.
    2. Branches: the route depends on `x-branch`, so it must be set before anything acts by the route.
    3. Where a captured connection was going: these choose the route and keep it, so that nothing behind them may make
       Envoy choose it again.
    4. Faults before CORS, as in Istio: an abort answers preflights too. Both before access: a preflight carries no
       token.
    5. A row's tokens before access: an AuthorizationPolicy may ask for a claim.
    6. The look-up of unknown hosts just before the router, which ends the chain: only what may go out is looked up.
    """
    filters = message.http_filters
    if listener.role is Role.GATEWAY:
        filters.add(name=listener.name).config_discovery.CopyFrom(_tokens())
    for name, config in branch_filters(listener):
        filters.add(name=name).typed_config.CopyFrom(config)
    if listener.capture is not None:
        filters.add(name=PORT_FILTER).typed_config.CopyFrom(port_filter())
        filters.add(name=ADDRESS_FILTER).typed_config.CopyFrom(address_filter())
    filters.add(name=FAULT_FILTER).typed_config.CopyFrom(packed(fault_pb2.HTTPFault()))
    filters.add(name=CORS_FILTER).typed_config.CopyFrom(packed(cors_pb2.Cors()))
    filters.add(name=ROWS).config_discovery.CopyFrom(_tokens())
    filters.add(name=ACCESS_FILTER).typed_config.CopyFrom(packed(rbac_pb2.RBAC()))
    if listener.passthrough:
        filters.add(name=PASSTHROUGH_FILTER).typed_config.CopyFrom(packed(passthrough_filter()))
    router = router_pb2.Router(suppress_envoy_headers=True)
    filters.add(name="envoy.filters.http.router").typed_config.CopyFrom(packed(router))


def _tokens() -> config_source_pb2.ExtensionConfigSource:
    """A JWT filter whose configuration is a resource under the filter's name.

    So a change of what tokens are asked for replaces no listener, and closes no connection.
    """
    return config_source_pb2.ExtensionConfigSource(config_source=ads(), type_urls=[FILTER_TYPE])
