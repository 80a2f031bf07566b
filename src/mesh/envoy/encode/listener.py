"""Listeners to Envoy's Listener messages: addresses, filter chains, TLS and TCP.

What happens with HTTP is in `http_connection_manager`, who calls in `caller`.
"""

from collections.abc import Sequence

from envoy.config.core.v3 import address_pb2
from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from envoy.extensions.filters.listener.http_inspector.v3 import http_inspector_pb2
from envoy.extensions.filters.listener.proxy_protocol.v3 import proxy_protocol_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2

from mesh.envoy.encode.access import network_access
from mesh.envoy.encode.caller import caller_state
from mesh.envoy.encode.capture import DETECTION_LIMIT, HTTP_PROTOCOLS, encode_capture
from mesh.envoy.encode.datagrams import add_datagram_proxy, datagram_proxy, tunnel_end
from mesh.envoy.encode.http_connection_manager import http_connection_manager
from mesh.envoy.encode.protobuf import duration, packed
from mesh.envoy.encode.tcp import tcp_proxy
from mesh.envoy.encode.tls import downstream_tls
from mesh.routing.model.listener import INGRESS, FilterChain, Listener, Role
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.security import Access

CONNECTION_BUFFER = 1 << 20


def encode_listener(listener: Listener) -> listener_pb2.Listener:
    """HTTP that asks a route table, or TCP that goes to clusters; with `chains`, by the name a TLS client asks for."""
    message = listener_pb2.Listener(name=listener.name, stat_prefix=listener.role.value)
    _encode_address(message, listener)
    # The global limit protects against clients outside; pods calling each other must not be refused because of them.
    message.ignore_global_conn_limit = listener.role is Role.SIDECAR
    # With SO_REUSEPORT a second Envoy would share the port in silence; without it the bind fails and says why.
    message.enable_reuse_port.value = False
    message.per_connection_buffer_limit_bytes.value = CONNECTION_BUFFER
    if listener.datagrams:
        _encode_datagrams(message, listener)
        return message
    if listener.capture is not None:
        encode_capture(message, listener, listener.capture)
        return message
    if not listener.chains:
        clusters = listener.to or ((WeightedCluster(listener.cluster),) if listener.cluster is not None else ())
        if listener.table is not None and clusters:
            _encode_detection(message, listener)
            _encode_filters(message.default_filter_chain, listener, clusters, listener.access)
        else:
            _encode_filters(message.filter_chains.add(), listener, clusters, listener.access)
        return message
    # The inspector reads the TLS client's first message without ending TLS, so that a chain can match its SNI.
    inspector = message.listener_filters.add(name="envoy.filters.listener.tls_inspector")
    inspector.typed_config.CopyFrom(packed(tls_inspector_pb2.TlsInspector()))
    for chain in listener.chains:
        _encode_chain(message.filter_chains.add(), listener, chain)
    return message


def _encode_address(message: listener_pb2.Listener, listener: Listener) -> None:
    """An address, here or in another network namespace; or a Unix socket, where the edge says who the client is."""
    if listener.pipe:
        message.address.pipe.path = listener.pipe
        # The folder belongs to the user alone; the edge is the same user.
        message.address.pipe.mode = 0o600
        if listener.datagrams:
            return
        proxied = message.listener_filters.add(name="envoy.filters.listener.proxy_protocol")
        proxied.typed_config.CopyFrom(packed(proxy_protocol_pb2.ProxyProtocol()))
        return
    socket = message.address.socket_address
    socket.address, socket.port_value = listener.address, listener.port
    socket.network_namespace_filepath = listener.netns


def _encode_datagrams(message: listener_pb2.Listener, listener: Listener) -> None:
    """UDP at an address; or as the edge passes it on, in requests."""
    prefix = listener.role.value
    if listener.pipe:
        manager = tunnel_end(listener.cluster or "", prefix)
        filters = message.filter_chains.add().filters
        filters.add(name="envoy.filters.network.http_connection_manager").typed_config.CopyFrom(packed(manager))
    else:
        message.address.socket_address.protocol = address_pb2.SocketAddress.UDP
        add_datagram_proxy(message, datagram_proxy(message, listener.cluster or "", prefix))


def _encode_detection(message: listener_pb2.Listener, listener: Listener) -> None:
    """HTTP by its first bytes; the default chain takes everything else, and clients that wait for the server."""
    inspector = message.listener_filters.add(name="envoy.filters.listener.http_inspector")
    inspector.typed_config.CopyFrom(packed(http_inspector_pb2.HttpInspector()))
    message.listener_filters_timeout.CopyFrom(duration(DETECTION_LIMIT))
    message.continue_on_listener_filters_timeout = True
    chain = message.filter_chains.add()
    chain.filter_chain_match.application_protocols.extend(HTTP_PROTOCOLS)
    _encode_filters(chain, listener, ())


def _encode_chain(message: listener_components_pb2.FilterChain, listener: Listener, chain: FilterChain) -> None:
    """What happens for the names of one chain: TLS is ended or left to the pod, then HTTP or bytes."""
    if "*" not in chain.names:
        message.filter_chain_match.server_names.extend(chain.names)
    if chain.terminate is not None:
        message.transport_socket.CopyFrom(downstream_tls(chain.terminate))
    _encode_filters(message, listener, chain.to, chain.access, chain.table)


def _encode_filters(
    message: listener_components_pb2.FilterChain,
    listener: Listener,
    clusters: Sequence[WeightedCluster],
    access: Sequence[Access] = (),
    table: str = "",
) -> None:
    """The network filters: who calls; then bytes to the clusters, or without any, HTTP by a table: the listener's
    unless another is named.

    The order counts: the last one is terminal, and its routes and RBAC ask for what the first one has written.
    """
    source = listener.source or (INGRESS if listener.role is Role.GATEWAY else None)
    if source is not None:
        state = message.filters.add(name="envoy.filters.network.set_filter_state")
        state.typed_config.CopyFrom(packed(caller_state(source)))
    if clusters and access:
        rbac = message.filters.add(name="envoy.filters.network.rbac")
        rbac.typed_config.CopyFrom(packed(network_access(access)))
    if clusters:
        proxy = message.filters.add(name="envoy.filters.network.tcp_proxy")
        proxy.typed_config.CopyFrom(packed(tcp_proxy(listener.role, clusters, captured=False, logged=listener.logged)))
    else:
        manager = message.filters.add(name="envoy.filters.network.http_connection_manager")
        manager.typed_config.CopyFrom(packed(http_connection_manager(listener, table or listener.table or "")))
