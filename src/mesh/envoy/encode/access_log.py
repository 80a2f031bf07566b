"""What all of Envoy's access logs have in common: where they are sent, and how often."""

from envoy.config.core.v3 import config_source_pb2
from envoy.extensions.access_loggers.grpc.v3 import als_pb2

from mesh.envoy.encode.protobuf import duration
from mesh.envoy.process.bootstrap import CONTROL_CLUSTER
from mesh.routing.model.transparent import CAPTURED_LOG

LOG = "mesh"
# Seconds and bytes after which Envoy sends what it has logged.
LOG_FLUSH, LOG_BUFFER = 0.1, 64 << 10


def fill_common(message: als_pb2.CommonGrpcAccessLogConfig, *, captured: bool) -> None:
    """Everything is logged over the socket that the configuration comes by; all logs of a name share one stream."""
    message.log_name = CAPTURED_LOG if captured else LOG
    message.transport_api_version = config_source_pb2.V3
    message.grpc_service.envoy_grpc.cluster_name = CONTROL_CLUSTER
    message.buffer_flush_interval.CopyFrom(duration(LOG_FLUSH))
    message.buffer_size_bytes.value = LOG_BUFFER
