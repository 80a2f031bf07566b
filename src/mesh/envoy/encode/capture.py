"""The listener inside a pod's network namespace: it takes all that the pod sends, and asks where that was going.

Filter chains are chosen by a matcher, not by `filter_chain_match`: so a chain stands once, however many addresses lead
to it, and a change of what leads to it closes no connection.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from envoy.extensions.filters.listener.http_inspector.v3 import http_inspector_pb2
from envoy.extensions.filters.listener.original_dst.v3 import original_dst_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2
from envoy.extensions.matching.common_inputs.network.v3 import network_inputs_pb2 as inputs
from google.protobuf import any_pb2, wrappers_pb2
from xds.type.matcher.v3 import matcher_pb2

from mesh.envoy.encode.caller import caller_state
from mesh.envoy.encode.destination import destination_state
from mesh.envoy.encode.http_connection_manager import http_connection_manager
from mesh.envoy.encode.protobuf import duration, packed
from mesh.envoy.encode.tcp import tcp_proxy
from mesh.envoy.encode.xds_matcher import Predicate, all_of, any_of, extension, not_, single
from mesh.resources.values.ports import SIDECAR_PORT
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.transparent import BLACK_HOLE, DIRECT, EGRESS, Capture, Refusal, TcpRoute

# What Envoy's http_inspector calls the versions of HTTP that are not encrypted.
HTTP_PROTOCOLS = ("http/1.0", "http/1.1", "h2c")
# Seconds until a client that sends nothing is taken to wait for the server. Clients of protocols where the server
# speaks first wait that long at a port that does not say so; theirs give up after 2 s and more (NATS).
DETECTION_LIMIT = 1.0
HTTP = "http"
# What listeners have in common is made once, so that one more pod costs what is the pod's own.
REMEMBERED = 4096


def encode_capture(message: listener_pb2.Listener, listener: Listener, capture: Capture) -> None:
    """Fills in the listener filters, the filter chains and the matcher that chooses one of them.

    Of all that, only who calls is the pod's own; the rest is made once for all pods that do the same.
    """
    assert listener.source is not None
    # What leads to a chain does not depend on where the chain leads: branches differ by that alone.
    leading = replace(capture, routes=tuple(replace(route, to=(), origins=()) for route in capture.routes))
    message.MergeFrom(_of_all(leading))
    caller = packed(caller_state(listener.source))
    manager = packed(http_connection_manager(listener, listener.table or ""))
    chains = [(HTTP, "envoy.filters.network.http_connection_manager", manager)]
    everywhere = ((cluster, (WeightedCluster(cluster),)) for cluster in (DIRECT, EGRESS, BLACK_HOLE))
    chains += [
        (name, "envoy.filters.network.tcp_proxy", _proxy(listener.role, to, logged=listener.logged))
        for name, to in (*((route.name, route.to) for route in capture.routes), *everywhere)
    ]
    for name, last, config in chains:
        chain = message.filter_chains.add(name=name)
        # Who calls, and where to; what follows asks for both.
        for state in (caller, _destination()):
            chain.filters.add(name="envoy.filters.network.set_filter_state").typed_config.CopyFrom(state)
        chain.filters.add(name=last).typed_config.CopyFrom(config)


@cache
def _destination() -> any_pb2.Any:
    return packed(destination_state())


@lru_cache(maxsize=REMEMBERED)
def _of_all(capture: Capture) -> listener_pb2.Listener:
    message = listener_pb2.Listener()
    _encode_inspection(message, capture)
    message.filter_chain_matcher.CopyFrom(_matcher(capture))
    return message


@lru_cache(maxsize=REMEMBERED)
def _proxy(role: Role, to: tuple[WeightedCluster, ...], *, logged: bool) -> any_pb2.Any:
    return packed(tcp_proxy(role, to, captured=True, logged=logged))


def _encode_inspection(message: listener_pb2.Listener, capture: Capture) -> None:
    """Where the connection was going; then its first bytes, but at ports where the server may speak first."""
    filters = message.listener_filters
    original = filters.add(name="envoy.filters.listener.original_dst")
    original.typed_config.CopyFrom(packed(original_dst_pb2.OriginalDst()))
    for name, config in (("tls", tls_inspector_pb2.TlsInspector()), ("http", http_inspector_pb2.HttpInspector())):
        inspector = filters.add(name=f"envoy.filters.listener.{name}_inspector")
        inspector.typed_config.CopyFrom(packed(config))
        if capture.uninspected:
            inspector.filter_disabled.CopyFrom(_at_ports(capture.uninspected))
    message.listener_filters_timeout.CopyFrom(duration(DETECTION_LIMIT))
    message.continue_on_listener_filters_timeout = True


def _at_ports(ports: Sequence[int]) -> listener_components_pb2.ListenerFilterChainMatchPredicate:
    rules = []
    for port in ports:
        rule = listener_components_pb2.ListenerFilterChainMatchPredicate()
        rule.destination_port_range.start, rule.destination_port_range.end = port, port + 1
        rules.append(rule)
    if len(rules) == 1:
        return rules[0]
    predicate = listener_components_pb2.ListenerFilterChainMatchPredicate()
    predicate.or_match.rules.extend(rules)
    return predicate


def _matcher(capture: Capture) -> matcher_pb2.Matcher:
    """The first predicate that holds names the chain; where none does, the connection is closed.

    A pod can connect to its own listener at its loopback address, and another pod's listener may be named as a
    destination: nothing that was going to a loopback address, or to the listeners' port, goes anywhere.
    """
    outside = not_(any_of([_address(regex=r"(127|0)\..*"), _port(SIDECAR_PORT)]))
    allowed = matcher_pb2.Matcher()
    for predicate, chain in _choices(capture):
        row = allowed.matcher_list.matchers.add()
        row.predicate.CopyFrom(predicate)
        row.on_match.action.CopyFrom(extension(chain, wrappers_pb2.StringValue(value=chain)))
    matcher = matcher_pb2.Matcher()
    first = matcher.matcher_list.matchers.add()
    first.predicate.CopyFrom(outside)
    first.on_match.matcher.CopyFrom(allowed)
    return matcher


def _choices(capture: Capture) -> Iterator[tuple[Predicate, str]]:
    """Predicates with the names of chains, in the order in which they are asked."""
    encrypted = single("transport", inputs.TransportProtocolInput(), exact="tls")
    for route in capture.routes:
        # A port that says TCP is no HTTP, whatever its first bytes look like.
        if route.declared:
            yield _at_places(route), route.name
    # TLS can announce versions of HTTP, too, which nobody can read here.
    names = "|".join(f"'{name}'" for name in HTTP_PROTOCOLS).replace(".", r"\.")
    spoken = single("application", inputs.ApplicationProtocolInput(), regex=f"({names})")
    yield all_of([spoken, not_(encrypted)]), HTTP
    for route in capture.routes:
        if route.names:
            yield all_of([encrypted, *_by_name(route)]), route.name
    if capture.reserved:
        yield any_of([_place(place) for place in capture.reserved]), EGRESS
    for route in capture.routes:
        if route.places and not route.declared:
            yield _at_places(route), route.name
    if capture.http_ports:
        yield all_of([any_of([_port(port) for port in capture.http_ports]), not_(encrypted)]), HTTP
    for refusal in capture.refusals:
        yield _refused(refusal), BLACK_HOLE
    yield _address(prefix=capture.pod_prefix), DIRECT
    if capture.any_host:
        yield _address(regex=".+"), EGRESS


def _refused(refusal: Refusal) -> Predicate:
    parts = [any_of([_address(exact=address) for address in refusal.addresses])]
    if refusal.ports:
        parts.append(any_of([_port(port) for port in refusal.ports]))
    elif refusal.others:
        parts.append(not_(any_of([_port(port) for port in refusal.others])))
    return all_of(parts)


def _at_places(route: TcpRoute) -> Predicate:
    return any_of([_place(place) for place in route.places])


def _place(place: str) -> Predicate:
    address, _, port = place.partition(":")
    return all_of([_address(exact=address), _port(int(port))]) if port else _address(exact=address)


def _by_name(route: TcpRoute) -> Iterator[Predicate]:
    """The name that a TLS client asks for, and the port."""
    name = inputs.ServerNameInput()
    if "*" not in route.names:
        yield any_of(
            [
                single("name", name, suffix=host[1:]) if host.startswith("*") else single("name", name, exact=host)
                for host in route.names
            ]
        )
    if route.port:
        yield _port(route.port)


def _address(*, exact: str = "", prefix: str = "", regex: str = "") -> Predicate:
    return single("address", inputs.DestinationIPInput(), exact=exact, prefix=prefix, regex=regex)


def _port(number: int) -> Predicate:
    return single("port", inputs.DestinationPortInput(), exact=str(number))
