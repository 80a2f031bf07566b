"""The edge's configuration: connections passed on between the host's network and the mesh's, nothing of them read.

The mesh's Envoy lives in a network namespace that cannot be reached from the host, nor reach it; Unix sockets can be
reached from both. Coming in, the edge reports the client to the mesh's Envoy; going out, the mesh's Envoy tells the
edge where the connection was going. Both by PROXY protocol.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import address_pb2
from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from envoy.extensions.filters.common.set_filter_state.v3 import value_pb2
from envoy.extensions.filters.listener.proxy_protocol.v3 import proxy_protocol_pb2
from envoy.extensions.filters.network.set_filter_state.v3 import set_filter_state_pb2
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2

from mesh.envoy.encode.datagrams import add_datagram_proxy, datagram_proxy, tunnel_cluster, tunnelled
from mesh.envoy.encode.passthrough import encode_original_destination, proxied
from mesh.envoy.encode.protobuf import duration, packed
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.network import NamespaceNetwork

CONNECT_TIMEOUT = 5.0
EGRESS, HOST, API, NOWHERE = "egress", "host", "api", "nowhere"
# What Envoy's clusters of the type ORIGINAL_DST connect to instead of where the connection was going.
INSTEAD = "envoy.network.transport_socket.original_dst_address"


@dataclass(frozen=True, slots=True)
class Forward:
    """One listener of the edge, under the name of the mesh's or of the endpoint. `inwards`: from the host's address to
    the Unix socket; else from the Unix socket to the address. `datagrams`: UDP."""

    name: str
    address: str
    port: int
    pipe: str
    inwards: bool
    datagrams: bool = False


def forwards_of(snapshot: Snapshot) -> tuple[Forward, ...]:
    """What the edge passes on for a snapshot, other than what leaves the mesh by its destination."""
    inwards = (
        Forward(
            listener.name, listener.address, listener.port, listener.pipe, inwards=True, datagrams=listener.datagrams
        )
        for listener in snapshot.listeners.values()
        if listener.pipe
    )
    outwards = (
        Forward(f"to|{endpoint.address}:{endpoint.port}", endpoint.address, endpoint.port, endpoint.pipe, inwards=False)
        for endpoints in snapshot.endpoints.values()
        for endpoint in endpoints
        if endpoint.pipe
    )
    return tuple(sorted({*inwards, *outwards}, key=lambda forward: forward.name))


def edge_listeners(
    forwards: Iterable[Forward], network: NamespaceNetwork, api: tuple[str, int] | None
) -> Iterator[listener_pb2.Listener]:
    """Every listener; `api` is where the mesh's API listens on the host."""
    yield _egress(network, api)
    for forward in forwards:
        message = _listener(forward.name, _address(forward) if forward.inwards else _pipe(forward.pipe))
        if forward.datagrams:
            message.address.socket_address.protocol = address_pb2.SocketAddress.UDP
            proxy = datagram_proxy(message, forward.name, "edge")
            tunnelled(proxy)
            add_datagram_proxy(message, proxy)
        else:
            _pass_on(message.filter_chains.add(), forward.name)
        yield message


def edge_clusters(forwards: Iterable[Forward], api: tuple[str, int] | None) -> Iterator[cluster_pb2.Cluster]:
    """The cluster behind each listener, of the same name, and those of what leaves the mesh."""
    for name in (EGRESS, HOST):
        message = cluster_pb2.Cluster(name=name, connect_timeout=duration(CONNECT_TIMEOUT))
        encode_original_destination(message)
        yield message
    yield _static(NOWHERE, ())
    if api is not None:
        yield _static(API, (_socket(*api),))
    for forward in forwards:
        if forward.inwards:
            message = _static(forward.name, (_pipe(forward.pipe),))
            if forward.datagrams:
                tunnel_cluster(message)
            else:
                message.transport_socket.CopyFrom(proxied())
            yield message
        else:
            yield _static(forward.name, (_address(forward),))


def _egress(network: NamespaceNetwork, api: tuple[str, int] | None) -> listener_pb2.Listener:
    """Where a connection was going decides, by the narrowest range.

    The machine's virtual address leads to the host's loopback, that of the API to the API. Nothing else may reach
    loopback addresses, nor come back into the mesh past its rules.
    """
    message = _listener(EGRESS, _pipe(network.egress_socket))
    proxy = message.listener_filters.add(name="envoy.filters.listener.proxy_protocol")
    proxy.typed_config.CopyFrom(packed(proxy_protocol_pb2.ProxyProtocol()))
    host = message.filter_chains.add(name=HOST)
    _match(host, (f"{network.host}/32",))
    instead = host.filters.add(name="envoy.filters.network.set_filter_state")
    instead.typed_config.CopyFrom(packed(_to_loopback()))
    _pass_on(host, HOST)
    if api is not None:
        chain = message.filter_chains.add(name=API)
        _match(chain, (f"{network.api.partition(':')[0]}/32",))
        _pass_on(chain, API)
    closed = message.filter_chains.add(name=NOWHERE)
    _match(closed, ("0.0.0.0/8", "127.0.0.0/8", network.pods, network.services))
    _pass_on(closed, NOWHERE)
    others = message.filter_chains.add(name=EGRESS)
    _match(others, ("0.0.0.0/0",))
    _pass_on(others, EGRESS)
    return message


def _to_loopback() -> set_filter_state_pb2.Config:
    value = value_pb2.FilterStateValue(object_key=INSTEAD)
    value.format_string.text_format_source.inline_string = "127.0.0.1:%DOWNSTREAM_LOCAL_PORT%"
    return set_filter_state_pb2.Config(on_new_connection=[value])


def _listener(name: str, address: address_pb2.Address) -> listener_pb2.Listener:
    message = listener_pb2.Listener(name=name, stat_prefix="edge", address=address)
    # As in the mesh's Envoy: a port that is taken is an error, not a share of the connections.
    message.enable_reuse_port.value = False
    return message


def _pass_on(chain: listener_components_pb2.FilterChain, cluster: str) -> None:
    proxy = tcp_proxy_pb2.TcpProxy(stat_prefix="edge", cluster=cluster)
    # The mesh's Envoy decides how long a connection may be idle.
    proxy.idle_timeout.CopyFrom(duration(0))
    chain.filters.add(name="envoy.filters.network.tcp_proxy").typed_config.CopyFrom(packed(proxy))


def _match(chain: listener_components_pb2.FilterChain, ranges: Sequence[str]) -> None:
    for cidr in ranges:
        prefix, _, length = cidr.partition("/")
        part = chain.filter_chain_match.prefix_ranges.add(address_prefix=prefix)
        part.prefix_len.value = int(length)


def _static(name: str, addresses: Sequence[address_pb2.Address]) -> cluster_pb2.Cluster:
    message = cluster_pb2.Cluster(name=name, type=cluster_pb2.Cluster.STATIC, connect_timeout=duration(CONNECT_TIMEOUT))
    message.load_assignment.cluster_name = name
    locality = message.load_assignment.endpoints.add()
    for address in addresses:
        locality.lb_endpoints.add().endpoint.address.CopyFrom(address)
    return message


def _address(forward: Forward) -> address_pb2.Address:
    return _socket(forward.address, forward.port)


def _socket(address: str, port: int) -> address_pb2.Address:
    message = address_pb2.Address()
    message.socket_address.address, message.socket_address.port_value = address, port
    return message


def _pipe(path: str) -> address_pb2.Address:
    message = address_pb2.Address()
    # The folder belongs to the user alone; the mesh's Envoy is the same user.
    message.pipe.path, message.pipe.mode = path, 0o600
    return message
