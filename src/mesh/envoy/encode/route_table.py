"""Route tables to Envoy's RouteConfiguration messages, and virtual hosts with what branches change there."""

from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.config.route.v3 import route_pb2
from google.protobuf import any_pb2

from mesh.envoy.encode.branch_lookup import BranchRows, Lookup, cluster_plugin, divided, for_branches
from mesh.envoy.encode.branch_records import row_name
from mesh.envoy.encode.branches import FILTER, entry_script, inner_script
from mesh.envoy.encode.destination import ADDRESS_FILTER, addresses
from mesh.envoy.encode.forward import has_one_destination
from mesh.envoy.encode.protobuf import field, number_of, packed, serialized
from mesh.envoy.encode.retry import encode_retry
from mesh.envoy.encode.route import encode_route
from mesh.envoy.encode.tunnel import tunnel_host
from mesh.resources.meshmall.branch import HEADER
from mesh.routing.entries import Ways
from mesh.routing.model.route import Forward, Route
from mesh.routing.model.table import RouteTable, VirtualHost
from mesh.routing.virtual_service.retry import DEFAULT_RETRY

DIRECT_RESPONSE_LIMIT = 1 << 20


class TableEncoder:
    """Encodes route tables and remembers the hosts that it encoded, so that a change costs what changed."""

    def __init__(self) -> None:
        lookup = Lookup()
        self._rows = BranchRows(lambda route: (encode_route(route, inherited=DEFAULT_RETRY),), lookup)
        self._encoded: dict[str, tuple[VirtualHost, bytes]] = {}
        self._scripts: dict[bool, tuple[Ways | None, any_pb2.Any]] = {}
        self._host_field = number_of(route_pb2.RouteConfiguration, "virtual_hosts")
        self._plugin_field = number_of(route_pb2.RouteConfiguration, "cluster_specifier_plugins")
        self._matcher_field = number_of(rc.VirtualHost, "matcher")

    def encode(self, table: RouteTable, ways: Ways) -> any_pb2.Any:
        """The whole table, packed. `ways` are those into all branches."""
        message = route_pb2.RouteConfiguration(
            name=table.name,
            max_direct_response_body_size_bytes={"value": DIRECT_RESPONSE_LIMIT},
            ignore_port_in_host_matching=table.ignores_ports,
        )
        # Clusters are sent before the routes that name them; Envoy would refuse the whole table for one that is late.
        message.validate_clusters.value = False
        if table.marks.tags:
            script = self._script(outside=table.entries is not None, ways=ways)
            message.typed_per_filter_config[FILTER].CopyFrom(script)
        else:
            # Without branches no script runs that would remove the header that leads into none.
            message.request_headers_to_remove.append(HEADER)
        if table.tunnels:
            message.virtual_hosts.append(tunnel_host())
        encoded = b"".join((serialized(message), *(self._host(table, host) for host in table.hosts)))
        return any_pb2.Any(type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}", value=encoded)

    def _script(self, *, outside: bool, ways: Ways) -> any_pb2.Any:
        """How branches are recognised. There are two for all tables of a snapshot: each is made once."""
        source = ways if outside else None
        last = self._scripts.get(outside)
        if last is None or last[0] is not source:
            last = self._scripts[outside] = (source, packed(entry_script(ways) if outside else inner_script()))
        return last[1]

    def _host(self, table: RouteTable, host: VirtualHost) -> bytes:
        """The host as a field of its table, behind the plugins that its rows name."""
        place = f"{table.name} {host.name}"
        last = self._encoded.get(place)
        if last is not None and (last[0] is host or last[0] == host):
            return last[1]
        encoded = self._with_branches(table.name, host) if host.overrides else self._plain(host)
        self._encoded[place] = (host, encoded)
        return encoded

    def _plain(self, host: VirtualHost) -> bytes:
        message = rc.VirtualHost(name=host.name, domains=host.domains)
        message.routes.extend(encode_route(route) for route in host.routes)
        if host.by_destination:
            message.typed_per_filter_config[ADDRESS_FILTER].Pack(addresses(host.by_destination))
        return field(self._host_field, serialized(message))

    def _with_branches(self, table: str, host: VirtualHost) -> bytes:
        """A host where branches send requests elsewhere.

        Most branches replace a cluster and nothing else. For these each row gets a twin, which asks the branch's record
        for the cluster: however many branches there are, the host is the same. The others have rows of their own in the
        host's matcher.
        """
        message = rc.VirtualHost(name=host.name, domains=host.domains)
        # What most rows of most branches say is said once, for all of them.
        message.retry_policy.CopyFrom(encode_retry(DEFAULT_RETRY))
        # A plugin gives one cluster: a row with weights, or that changes headers per destination, cannot ask it.
        replaceable = all(not isinstance(row.action, Forward) or has_one_destination(row.action) for row in host.routes)
        by_rows, swaps = divided(host.overrides) if replaceable else (host.overrides, ())
        plugins = {
            cluster: cluster_plugin(f"{host.name} {cluster}", row_name(table, host.name, cluster), cluster)
            for cluster in sorted({former for swap in swaps for former, _ in swap})
        }

        def with_twin(route: Route) -> list[rc.Route]:
            row = encode_route(route, inherited=DEFAULT_RETRY)
            plugin = plugins.get(row.route.cluster)
            return [for_branches(row, plugin.extension.name), row] if plugin is not None else [row]

        if by_rows:
            matcher = self._rows.matcher(f"{table} {host.name}", host.routes, by_rows, with_twin)
            encoded = serialized(message) + field(self._matcher_field, matcher)
        else:
            message.routes.extend(row for route in host.routes for row in with_twin(route))
            encoded = serialized(message)
        # Protobuf collects repeated fields wherever they stand: a host and its plugins can be kept as one piece.
        plugin_fields = (field(self._plugin_field, serialized(plugin)) for plugin in plugins.values())
        return b"".join((*plugin_fields, field(self._host_field, encoded)))
