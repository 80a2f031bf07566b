"""What Envoy reports: lines about HTTP requests (`hop_lines`), and messages about TCP connections.

The messages come over gRPC (envoy.service.accesslog.v3.AccessLogService), by the Unix socket that the configuration
comes from. A message that cannot be sent is dropped by Envoy and costs no connection.
"""

from collections.abc import AsyncIterator, Callable
from sys import intern
from typing import Any

import grpc
from envoy.service.accesslog.v3 import als_pb2

from mesh.observe.hop_lines import hops_of, is_counted
from mesh.observe.hops import Hop, Ring
from mesh.observe.lenient import lenient_parser
from mesh.routing.model.hop_line import LONGEST_HOST
from mesh.routing.model.transparent import CAPTURED_LOG

SERVICE = als_pb2.DESCRIPTOR.services_by_name["AccessLogService"].full_name
# Connections that are open and were reported already.
MOST_CONNECTIONS = 10_000
# The flags that are reported: field of envoy.data.accesslog.v3.ResponseFlags to Envoy's short name.
FLAGS = {
    "no_healthy_upstream": "UH",
    "upstream_connection_failure": "UF",
    "upstream_connection_termination": "UC",
    "upstream_request_timeout": "UT",
    "upstream_remote_reset": "UR",
    "upstream_overflow": "UO",
    "no_route_found": "NR",
    "delay_injected": "DI",
    "fault_injected": "FI",
    "upstream_retry_limit_exceeded": "URX",
    "downstream_connection_termination": "DC",
}


class AccessLog:
    """Puts every request and connection that Envoy reports into the ring."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def take(self, lines: bytes) -> None:
        """Lines about HTTP requests, separated by line feeds."""
        ring = self._ring
        for hop in hops_of(lines):
            if hop is None:
                ring.malformed += 1
            elif is_counted(hop):
                ring.add(hop)

    def serve(self, server: grpc.aio.Server) -> None:
        """Makes a gRPC server accept Envoy's access logs."""
        # Not by the generated code: its parser refuses a whole batch for one header that is not UTF-8.
        method = grpc.stream_unary_rpc_method_handler(
            self.stream,
            request_deserializer=lenient_parser(als_pb2.StreamAccessLogsMessage),
            response_serializer=als_pb2.StreamAccessLogsResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"StreamAccessLogs": method}),))

    async def stream(
        self, requests: AsyncIterator[als_pb2.StreamAccessLogsMessage], _: grpc.aio.ServicerContext
    ) -> als_pb2.StreamAccessLogsResponse:
        """One stream of Envoy's, until it ends."""
        add: Callable[[Hop], None] = self._ring.add
        connections = Connections()
        captured = False
        async for message in requests:
            # Only the first message of a stream says which log it is.
            captured = captured or message.identifier.log_name == CAPTURED_LOG
            for entry in message.tcp_logs.log_entry:
                add(connections.hop_of(entry, captured=captured))
        return als_pb2.StreamAccessLogsResponse()


class Connections:
    """Makes hops of TCP connections. Envoy reports long ones again and again, with all bytes until then."""

    def __init__(self) -> None:
        self._reported: dict[str, tuple[int, int]] = {}

    def hop_of(self, entry: Any, *, captured: bool = False) -> Hop:
        """One TCPAccessLogEntry as a hop with what is new."""
        common, connection = entry.common_properties, entry.connection_properties
        totals = (connection.received_bytes, connection.sent_bytes)
        before = self._reported.pop(common.stream_id, None)
        if common.intermediate_log_entry:
            self._reported[common.stream_id] = totals
            if len(self._reported) > MOST_CONNECTIONS:
                del self._reported[next(iter(self._reported))]
        received, sent = before or (0, 0)
        start, duration = common.start_time, common.duration
        return Hop(
            start=start.seconds + start.nanos / 1e9,
            duration=duration.seconds + duration.nanos / 1e9,
            listener=_listener(common, captured=captured),
            upstream=_address(common.upstream_remote_address),
            cluster=intern(common.upstream_cluster),
            route="",
            method="",
            authority=intern(common.tls_properties.tls_sni_hostname[:LONGEST_HOST]),
            path="",
            status=0,
            flags=_flags(common.response_flags) if common.HasField("response_flags") else "",
            request_id="",
            traceparent="",
            branch="",
            request_bytes=totals[0] - received,
            response_bytes=totals[1] - sent,
            protocol="tcp",
            opened=before is None,
        )


def _flags(flags: Any) -> str:
    return ",".join(FLAGS[field.name] for field, _ in flags.ListFields() if field.name in FLAGS)


def _listener(common: Any, *, captured: bool) -> str:
    """The listener's address. A captured connection has the address that it was going to instead, and comes from the
    pod's own: that says whose listener it came by."""
    return _address(common.downstream_direct_remote_address if captured else common.downstream_local_address)


def _address(address: Any) -> str:
    socket = address.socket_address
    return intern(f"{socket.address}:{socket.port_value}") if socket.address else ""
