"""The route tables of Istio's Gateways and of Ingresses, one for each port that they declare.

Those of the Gateway API's Gateways are in `api_gateway`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.istio.ingress_gateway import ROOT_NAMESPACE
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.meshmall.branch import PREVIEW_DOMAIN
from mesh.resources.values.hosts import specificity
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.context import Context
from mesh.routing.gateway_clusters import http1_groups, with_variants
from mesh.routing.gateways import gateway_name
from mesh.routing.hosts.rows import clusters_forwarded, merged_rows, with_access, with_destinations
from mesh.routing.model.cluster import Group
from mesh.routing.model.match import Match
from mesh.routing.model.route import Redirect, Route
from mesh.routing.model.table import Entries, RouteTable, VirtualHost
from mesh.routing.virtual_service.place import Place
from mesh.routing.virtual_service.rules import exported, shared_hosts
from mesh.routing.virtual_service.tls import is_encrypted, speaks_http

HTTPS = 443


class GatewayTables(NamedTuple):
    """The tables, and the clusters that only gateways have."""

    tables: tuple[RouteTable, ...]
    groups: Mapping[str, Group]


@dataclass(slots=True)
class _Bound:
    """What the servers of one port bind: by host, the rules with the place where they are bound; and the hosts whose
    plain requests are redirected to HTTPS, with the Gateway that says so."""

    rules: dict[str, list[tuple[VirtualService, Place]]] = field(default_factory=lambda: defaultdict(list))
    redirected: dict[str, Ref] = field(default_factory=dict)


def gateway_tables(context: Context, entries: Entries) -> GatewayTables:
    """One table a port, for all Gateways that serve it. Requests enter branches here."""
    tables: list[RouteTable] = []
    groups: dict[str, Group] = {}
    for port in context.servers:
        hosts = []
        for host in _with_previews(context, _hosts(context, port)):
            host, variants = with_variants(host, http1_groups(context.groups))  # noqa: PLW2901 - the same host
            hosts.append(host)
            groups |= variants
        # As Istio's gateways: a client may write the port in any case, and may have reached another one (NodePort).
        name = gateway_name(port)
        tables.append(RouteTable(name, tuple(hosts), entries, marks=context.marks, ignores_ports=True))
    return GatewayTables(tuple(tables), groups)


def _hosts(context: Context, port: int) -> list[VirtualHost]:
    bound = _bound(context, port)
    # Narrow hosts first, so that Envoy and a reader meet them in the order of precedence, the same on every compile.
    names = sorted(bound.rules, key=lambda host: (*specificity(host), host))
    hosts = [_host(context, host, port, bound.rules[host]) for host in names if host not in bound.redirected]
    # A host whose rules have no row for the gateway does not exist, as with Istio: a wider one takes its requests.
    hosts = [host for host in hosts if host.routes]
    hosts += [_redirected(context, host, port, gateway) for host, gateway in sorted(bound.redirected.items())]
    return hosts


def _bound(context: Context, port: int) -> _Bound:
    bound = _Bound()
    for gateway, server in context.servers[port]:
        # Bytes have filter chains of their own: there is no host to find in a table.
        if not speaks_http(server):
            continue
        if server.tls is not None and server.tls.https_redirect:
            # "namespace/host" limits whose rules bind to it; a redirect has none.
            names = (host.rpartition("/")[2] for host in server.hosts)
            bound.redirected.update(dict.fromkeys(names, ref_of(gateway)))
        else:
            _bind(context, bound, port, gateway, server)
    return bound


def _bind(context: Context, bound: _Bound, port: int, gateway: Gateway, server: Server) -> None:
    """A rule that several servers of a port bind to a host is there once."""
    namespace = gateway.metadata.namespace
    name = f"{namespace}/{gateway.metadata.name}"
    # The gateway's pods call, and are in Istio's root namespace: they see what is exported there.
    place = context.place(name, ROOT_NAMESPACE, port, gateway.spec.selector, _real_port(context, port))
    for rule in exported(context.host_rules.all, ROOT_NAMESPACE):
        for host in shared_hosts(rule, name, server.hosts, namespace):
            if all(rule is not other for other, _ in bound.rules[host]):
                bound.rules[host].append((rule, place))


def _host(context: Context, host: str, port: int, bound: Sequence[tuple[VirtualService, Place]]) -> VirtualHost:
    rows = []
    for row, place in merged_rows(bound, context.host_rules.delegates):
        access = None
        if context.policies:
            access = context.policies.of_gateway(place.labels, {place.port, place.here})
        rows.append(row if access is None else with_access(row, access))
    routes = with_destinations(rows, context.clusters)
    origins = dict.fromkeys(origin for row in routes for origin in row.origins)
    overrides = context.branches.overrides_by_destination(clusters_forwarded(routes))
    return VirtualHost(f"{host}:{port}", (host,), routes, tuple(origins), overrides)


def _redirected(context: Context, host: str, port: int, gateway: Ref) -> VirtualHost:
    """A host whose plain requests are redirected to HTTPS (Istio's httpsRedirect), at the port that serves it."""
    encrypted = (number for number, servers in context.servers.items() if any(is_encrypted(s) for _, s in servers))
    action = Redirect(301, scheme="https", port=_real_port(context, next(encrypted, HTTPS)))
    row = Route("httpsRedirect", Match(), action, origins=(gateway,))
    return VirtualHost(f"{host}:{port}", (host,), (row,), (gateway,))


def _with_previews(context: Context, hosts: Sequence[VirtualHost]) -> Iterator[VirtualHost]:
    """Where no host of a gateway has the branches' preview addresses, the first one gets them."""
    domains = {domain for host in hosts for domain in host.domains}
    preview = f"*.{PREVIEW_DOMAIN}"
    for number, host in enumerate(hosts):
        if number == 0 and context.branches.all and not {"*", preview} & domains:
            yield replace(host, domains=(*host.domains, preview))
        else:
            yield host


def _real_port(context: Context, port: int) -> int:
    """The port that clients call for a Gateway's port."""
    return context.settings.ports.get(port, port)
