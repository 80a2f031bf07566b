"""Where Envoy listens for the Gateway API's Gateways."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mesh.resources.values.meta import ref_of
from mesh.routing.context import Context
from mesh.routing.datagrams import Datagrams
from mesh.routing.gateway_api.attachment import ServedGateway
from mesh.routing.gateway_api.listeners import ServedListener, by_socket
from mesh.routing.gateway_api.streams import stream_of, tls_chains, without_repeated_names
from mesh.routing.hosts.api_gateway import door_name, table_name
from mesh.routing.model.listener import FilterChain, Listener, Role, TlsTermination
from mesh.routing.virtual_service.tls import ClusterOf


def api_listeners(context: Context, datagrams: Datagrams) -> Iterator[Listener]:
    """One listener for each port of a Gateway, at each of its addresses."""
    for gateway in context.api.gateways.values():
        for (is_udp, port), listeners in by_socket(gateway.served).items():
            name = door_name(gateway, port)
            if is_udp:
                # TCP and UDP do not share ports: a name for each.
                head, bar, number = name.rpartition("|")
                name = f"{head}/udp{bar}{number}"
            owners = dict.fromkeys((ref_of(gateway.gateway), *(ref_of(served.owner) for served in listeners)))
            listener = Listener(
                name=name,
                role=Role.GATEWAY,
                address=gateway.placement.addresses[0],
                port=gateway.placement.port(port),
                origins=tuple(owners),
                datagrams=is_udp,
            )
            listener = _filled(context, gateway, listener, listeners, datagrams)
            yield listener
            for address in gateway.placement.addresses[1:]:
                yield replace(listener, name=_at(name, address), address=address)


def door_names(gateway: ServedGateway) -> Iterator[str]:
    """The names of all listeners of a Gateway that take TCP."""
    for is_udp, port in by_socket(gateway.served):
        if not is_udp:
            name = door_name(gateway, port)
            yield name
            yield from (_at(name, address) for address in gateway.placement.addresses[1:])


def _at(name: str, address: str) -> str:
    head, bar, number = name.rpartition("|")
    return f"{head}@{address}{bar}{number}"


def _filled(
    context: Context,
    gateway: ServedGateway,
    listener: Listener,
    listeners: Sequence[ServedListener],
    datagrams: Datagrams,
) -> Listener:
    """What the listener does, by what its port speaks."""
    first = listeners[0]
    cluster_of = context.cluster_of(first.listener.port, gateway.gateway.metadata.namespace)
    if first.wire == "plain HTTP":
        return replace(listener, table=table_name(gateway, first))
    if first.wire == "UDP":
        cluster, routes = datagrams.cluster_of(first)
        return replace(listener, cluster=cluster, origins=(*listener.origins, *map(ref_of, routes)))
    if first.wire == "TCP":
        to, by = stream_of(first, context.api, cluster_of)
        origins = tuple(dict.fromkeys((*listener.origins, *by)))
        return replace(listener, cluster=to[0].cluster, to=to, origins=origins)
    chains = without_repeated_names(list(_chains(context, gateway, listeners, cluster_of)))
    tables = [chain.table for chain in chains if chain.table]
    origins = tuple(dict.fromkeys((*listener.origins, *(origin for chain in chains for origin in chain.origins))))
    return replace(
        listener,
        table=tables[0] if tables else None,
        cluster=None if tables else chains[0].to[0].cluster,
        chains=chains,
        origins=origins,
    )


def _chains(
    context: Context, gateway: ServedGateway, listeners: Sequence[ServedListener], cluster_of: ClusterOf
) -> Iterator[FilterChain]:
    for served in listeners:
        termination = _termination(served) if served.terminates else None
        if served.listener.protocol == "HTTPS":
            origins = (ref_of(served.owner),)
            yield FilterChain((served.hostname,), termination, origins=origins, table=table_name(gateway, served))
        else:
            yield from tls_chains(served, termination, context.api, cluster_of)


def _termination(served: ServedListener) -> TlsTermination:
    assert served.credential is not None
    certificate, key = served.credential
    return TlsTermination(
        certificate=certificate,
        key=key,
        authority=served.authority,
        require_client=bool(served.authority) and not served.lets_anybody_in,
        accept_untrusted=served.lets_anybody_in,
        http=served.listener.protocol == "HTTPS",
    )
