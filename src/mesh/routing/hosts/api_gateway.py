"""The route tables of the Gateway API's Gateways, and the clusters that only they have.

Each Gateway has tables of its own: one a port of plain HTTP, and one for each listener of a port of HTTPS. There the
certificate that a client was shown is that of one listener, and a request for the host of another one is answered with
421: a browser that keeps a connection for several hosts (RFC 9110, section 7.4) then opens a second one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mesh.resources.gateway_api.types import Gateway
from mesh.resources.istio.ingress_gateway import SELECTOR
from mesh.resources.meshmall.branch import PREVIEW_DOMAIN
from mesh.resources.values.hosts import specificity
from mesh.resources.values.meta import ref_of
from mesh.routing.context import Context
from mesh.routing.gateway_api.attachment import ServedGateway
from mesh.routing.gateway_api.listeners import ANY, ServedListener, by_socket
from mesh.routing.gateway_api.place import Where
from mesh.routing.gateway_api.references import HttpRoute
from mesh.routing.gateway_api.routes import rows_of
from mesh.routing.gateway_clusters import Variant, gateway_cluster, is_detected, with_variants
from mesh.routing.gateways import gateway_name
from mesh.routing.hosts.gateway import GatewayTables
from mesh.routing.hosts.rows import clusters_forwarded, with_access, with_destinations
from mesh.routing.model.cluster import Group
from mesh.routing.model.match import Match
from mesh.routing.model.route import Respond, Route
from mesh.routing.model.table import Entries, RouteTable, VirtualHost

MISDIRECTED = 421


def api_tables(context: Context, entries: Entries) -> GatewayTables:
    """Every table; requests enter branches here."""
    tables: list[RouteTable] = []
    groups: dict[str, Group] = {}
    for gateway in context.api.gateways.values():
        variant = _variant(context, gateway.gateway)
        for listeners in by_socket(gateway.served).values():
            http = [served for served in listeners if served.listener.protocol in ("HTTP", "HTTPS")]
            encrypted = [served for served in http if served.listener.protocol == "HTTPS"]
            for of_table in [[served] for served in encrypted] or ([http] if http else []):
                others = [served for served in encrypted if served not in of_table]
                hosts = []
                for host in _hosts(context, gateway, of_table, others):
                    own, variants = with_variants(host, variant)
                    hosts.append(own)
                    groups |= variants
                name = table_name(gateway, of_table[0])
                tables.append(RouteTable(name, tuple(hosts), entries, marks=context.marks, ignores_ports=True))
    return GatewayTables(tuple(tables), groups)


def table_name(gateway: ServedGateway, served: ServedListener) -> str:
    """The name of the table of a listener."""
    name = door_name(gateway, served.listener.port)
    return f"{name}|{served.hostname}" if served.listener.protocol == "HTTPS" else name


def door_name(gateway: ServedGateway, port: int) -> str:
    """The name of a Gateway's port: of its Envoy listener, and of the table of plain HTTP."""
    if gateway.placement.is_shared:
        return gateway_name(port)
    meta = gateway.gateway.metadata
    return f"gateway|{meta.namespace}/{meta.name}|{port}"


def selector_of(gateway: Gateway) -> Mapping[str, str]:
    """The labels by which policies select a Gateway: those of the mesh's gateway, and the one that the specification
    puts on what is made for a Gateway."""
    return {**SELECTOR, "gateway.networking.k8s.io/gateway-name": gateway.metadata.name}


def _hosts(
    context: Context, gateway: ServedGateway, listeners: Sequence[ServedListener], others: Sequence[ServedListener]
) -> Iterator[VirtualHost]:
    by_host = context.api.by_host(listeners)
    # Narrow hosts first, so that Envoy and a reader meet them in the order of precedence, the same on every compile.
    names = sorted(by_host, key=lambda host: (*specificity(host), host))
    domains: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    previews = f"*.{PREVIEW_DOMAIN}"
    if names and not others and context.branches.all and not {ANY, previews} & set(names):
        # Where no host of a gateway has the branches' preview addresses, the first one gets them.
        domains[names[0]] = (names[0], previews)
    for name in names:
        yield _host(context, gateway, listeners[0], name, domains[name], by_host[name])
    for other in dict.fromkeys(served.hostname for served in others):
        if other not in by_host:
            row = Route("misdirected", Match(), Respond(MISDIRECTED), origins=(ref_of(gateway.gateway),))
            yield VirtualHost(f"{other}:{listeners[0].listener.port}", (other,), (row,), (ref_of(gateway.gateway),))


def _host(
    context: Context,
    gateway: ServedGateway,
    served: ServedListener,
    host: str,
    domains: tuple[str, ...],
    routes: Sequence[HttpRoute],
) -> VirtualHost:
    port = served.listener.port
    rows = with_destinations(_rows(context, gateway, served, routes), context.clusters) if routes else ()
    origins = dict.fromkeys(origin for row in rows for origin in row.origins)
    overrides = context.branches.overrides_by_destination(clusters_forwarded(rows))
    return VirtualHost(f"{host}:{port}", domains, rows, tuple(origins), overrides)


def _rows(
    context: Context, gateway: ServedGateway, served: ServedListener, routes: Sequence[HttpRoute]
) -> Sequence[Route]:
    port = served.listener.port
    here, selector = gateway.placement.port(port), selector_of(gateway.gateway)
    place = context.place("", routes[0].metadata.namespace, port, selector, here)
    # Routes match the scheme and redirect to it: it is the port's, not the one between Envoy and the pod.
    scheme = "https" if served.listener.protocol == "HTTPS" else "http"
    rows = rows_of(routes, context.api.references, Where(place, scheme, gateway.placement.ports or {}))
    access = context.policies.of_gateway(selector, {port, here}) if context.policies else None
    return rows if access is None else [with_access(row, access) for row in rows]


def _variant(context: Context, gateway: Gateway) -> Variant:
    """What a Gateway speaks to a Service's port: TLS where a BackendTLSPolicy says so, with the Gateway's own
    certificate where it has one."""
    ref = gateway.spec.tls.backend.client_certificate_ref
    own = context.api.references.certificate(gateway, ref) if ref is not None else None
    label = f"tls:{gateway.metadata.namespace}/{gateway.metadata.name}" if own else "tls"

    def variant(name: str, ruled: str) -> Group | None:
        group = context.groups.get(name)
        if group is None:
            return None
        cluster, endpoints = group
        _, number, _, host = ruled.split("|")[:4] if ruled.count("|") >= 3 else ("", "0", "", "")
        service = context.directory.service(host)
        policy = None
        if service is not None and service.entry is None:
            policy = context.api.backend_tls.of_port(service.definition, int(number))
        if policy is None:
            if not is_detected(cluster):
                return None
            return replace(cluster, name=gateway_cluster(name), detected=False), endpoints
        named = replace(cluster, name=gateway_cluster(name, label), detected=False)
        if policy.tls is None:
            return replace(named, tls=None), ()
        certificate, key = own or ("", "")
        return replace(named, tls=replace(policy.tls, certificate=certificate, key=key)), endpoints

    return variant
