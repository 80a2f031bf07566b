"""Envoy's access logs: a line for each HTTP request, a message for each report of a TCP connection.

A line costs Envoy a third of what a message over gRPC costs, and the daemon a tenth; connections are few, and Envoy
knows of messages which of them belong together. The name that a TLS client asks for may contain anything: in a message
it stays one value.
"""

from envoy.config.core.v3 import config_source_pb2
from envoy.extensions.access_loggers.file.v3 import file_pb2
from envoy.extensions.access_loggers.grpc.v3 import als_pb2

from mesh.envoy.encode.protobuf import duration
from mesh.envoy.process.bootstrap import CONTROL_CLUSTER, HOP_PIPE
from mesh.resources.meshmall.branch import HEADER
from mesh.routing.model.hop_line import (
    FIELDS,
    LONGEST_HOST,
    LONGEST_ID,
    LONGEST_LABEL,
    LONGEST_METHOD,
    LONGEST_PATH,
    LONGEST_TRACEPARENT,
    MARK,
    SEPARATOR,
)
from mesh.routing.model.table import BRANCH_METADATA
from mesh.routing.model.transparent import CAPTURED_LOG

LOG = "mesh"
# Seconds and bytes after which Envoy sends what it has logged.
LOG_FLUSH, LOG_BUFFER = 0.1, 64 << 10
# Envoy's operators for the fields. A captured connection has the address that it was going to as its local one, and
# comes from the pod's own: that says whose listener it came by.
OPERATORS = {
    "mark": MARK,
    "start": "%START_TIME(%s.%6f)%",
    "microseconds": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
    "milliseconds": "%DURATION%",
    "upstream": "%UPSTREAM_REMOTE_ADDRESS%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "route": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "branch": f"%DYNAMIC_METADATA({BRANCH_METADATA}:branch)%",
    "original_trace": f"%DYNAMIC_METADATA({BRANCH_METADATA}:trace)%",
    "label": f"%RESP({HEADER}):{LONGEST_LABEL}%",
    "method": f"%REQ(:METHOD):{LONGEST_METHOD}%",
    "request_id": f"%REQ(X-REQUEST-ID):{LONGEST_ID}%",
    "traceparent": f"%REQ(TRACEPARENT):{LONGEST_TRACEPARENT}%",
    "authority": f"%REQ(:AUTHORITY):{LONGEST_HOST}%",
    "path": f"%REQ(:PATH):{LONGEST_PATH}%",
}
LISTENER, CAPTURED_LISTENER = "%DOWNSTREAM_LOCAL_ADDRESS%", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"


def hop_log(*, captured: bool) -> file_pb2.FileAccessLog:
    """A line for each request, into the pipe that the daemon reads."""
    operators = {**OPERATORS, "listener": CAPTURED_LISTENER if captured else LISTENER}
    log = file_pb2.FileAccessLog(path=HOP_PIPE)
    line = SEPARATOR.join(operators[name] for name in FIELDS)
    log.log_format.text_format_source.inline_string = f"{line}\n"
    log.log_format.omit_empty_values = True
    return log


def connection_log(*, captured: bool) -> als_pb2.TcpGrpcAccessLogConfig:
    """TCP connections, over the socket that the configuration comes by; all logs of a name share one stream."""
    log = als_pb2.TcpGrpcAccessLogConfig()
    common = log.common_config
    common.log_name = CAPTURED_LOG if captured else LOG
    common.transport_api_version = config_source_pb2.V3
    common.grpc_service.envoy_grpc.cluster_name = CONTROL_CLUSTER
    common.buffer_flush_interval.CopyFrom(duration(LOG_FLUSH))
    common.buffer_size_bytes.value = LOG_BUFFER
    return log
