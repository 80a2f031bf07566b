"""What Envoy's access logs become."""

from envoy.data.accesslog.v3.accesslog_pb2 import TCPAccessLogEntry

from mesh.observe.access_log import AccessLog, Connections
from mesh.observe.hops import Ring
from mesh.routing.model.hop_line import FIELDS, MARK, SEPARATOR


def connection(received: int, sent: int, *, ended: bool = False, stream: str = "s1") -> TCPAccessLogEntry:
    entry = TCPAccessLogEntry()
    common = entry.common_properties
    common.stream_id, common.intermediate_log_entry = stream, not ended
    common.upstream_cluster = "outbound|6379||cache.shop.svc.cluster.local"
    common.downstream_local_address.socket_address.address = "10.96.0.7"
    common.downstream_local_address.socket_address.port_value = 6379
    common.downstream_direct_remote_address.socket_address.address = "10.244.0.9"
    common.downstream_direct_remote_address.socket_address.port_value = 40000
    entry.connection_properties.received_bytes, entry.connection_properties.sent_bytes = received, sent
    return entry


def test_a_connection_that_is_reported_again_counts_once_with_what_is_new() -> None:
    connections = Connections()
    hops = [
        connections.hop_of(entry)
        for entry in (
            connection(10, 100),
            connection(1, 2, stream="s2", ended=True),
            connection(15, 100),
            connection(16, 130, ended=True),
        )
    ]
    assert [(hop.opened, hop.request_bytes, hop.response_bytes) for hop in hops] == [
        (True, 10, 100),
        (True, 1, 2),
        (False, 5, 0),
        (False, 1, 30),
    ]
    assert all(hop.is_tcp for hop in hops)


def test_a_captured_connection_came_by_the_listener_of_the_pod_that_it_comes_from() -> None:
    assert Connections().hop_of(connection(1, 1), captured=True).listener == "10.244.0.9:40000"
    assert Connections().hop_of(connection(1, 1)).listener == "10.96.0.7:6379"


def test_lines_that_are_none_are_counted_and_hide_no_others() -> None:
    ring = Ring()
    good = SEPARATOR.join((MARK, "1.5", *[""] * (len(FIELDS) - 3), "/page")).encode()
    AccessLog(ring).take(b"\n".join((good, b"\xff\xfe", b"", good.replace(b"1.5", b"soon"), good)))
    assert [hop.path for hop in ring] == ["/page", "/page"]
    assert ring.malformed == 3
