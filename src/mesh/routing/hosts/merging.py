"""Hosts of the mesh put together from their rules, remembered from one compilation to the next."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.ref import Ref
from mesh.routing.context import Context
from mesh.routing.hosts.rows import chained_rows, clusters_forwarded, with_destinations
from mesh.routing.model.route import Route
from mesh.routing.model.table import BranchOverride, VirtualHost
from mesh.routing.virtual_service.place import MESH, Place


class _Rows(NamedTuple):
    """Rows without what their destinations ask of them, and the clusters they send to."""

    rows: tuple[Route, ...]
    clusters: tuple[str, ...]


def mesh_place(context: Context, namespace: str, port: int) -> Place:
    """Calls between pods, from a namespace."""
    return context.place(MESH, namespace, port, {}, port)


def merged_host(
    context: Context,
    name: str,
    domains: tuple[str, ...],
    rules: Sequence[VirtualService],
    called: tuple[str, int],
    after: tuple[Route, ...],
    *origins: Ref,
) -> VirtualHost:
    """A host with the rows of its first rule, `called` from a namespace at a port; for callers that it has none for,
    those of the next rule, at last those that come `after` them.

    It is remembered in two steps. The rows depend on rules, what their destinations ask on clusters: a change of a
    DestinationRule does not expand the rules anew.
    """
    delegates = context.host_rules.delegates
    delegating = any(route.delegate is not None for rule in rules for route in rule.spec.http)
    inputs = (tuple(rules), after, delegates if delegating else None)
    namespace, port = called
    key = (name, namespace, domains)

    def expand() -> _Rows:
        place = mesh_place(context, namespace, port)
        chained = chained_rows(rules, place, delegates)
        rest = () if chained.complete else after
        rows = tuple(context.views.for_workloads((*chained.rows, *rest), namespace))
        return _Rows(rows, clusters_forwarded(rows))

    expanded = context.memory.keep(("rows", *key), inputs, expand)

    def build() -> VirtualHost:
        routes = with_destinations(expanded.rows, context.clusters)
        all_origins = dict.fromkeys((*origins, *(origin for row in routes for origin in row.origins)))
        return VirtualHost(name, domains, routes, tuple(all_origins))

    clusters = tuple(map(context.clusters.get, expanded.clusters))
    return context.memory.keep(("host", *key), (expanded, clusters, origins), build)


def with_overrides(
    context: Context, host: VirtualHost, namespace: str, overrides: tuple[BranchOverride, ...]
) -> VirtualHost:
    """A host with what branches do there."""
    if not overrides:
        return host
    key = ("overridden", host.name, namespace, host.domains)
    return context.memory.keep(key, (host, overrides), lambda: replace(host, overrides=overrides))
