"""Faults to the messages of Envoy's fault filter."""

from envoy.extensions.filters.http.fault.v3 import fault_pb2

from mesh.envoy.encode.protobuf import duration, fraction
from mesh.routing.model.route import Fault

FILTER = "envoy.filters.http.fault"


def encode_fault(fault: Fault) -> fault_pb2.HTTPFault:
    """A delay, an abort, or both; a gRPC status wins over an HTTP one, since Envoy takes one of the two."""
    message = fault_pb2.HTTPFault()
    if fault.delay is not None:
        message.delay.fixed_delay.CopyFrom(duration(fault.delay))
        message.delay.percentage.CopyFrom(fraction(fault.delay_percent))
    if fault.abort_grpc is not None:
        message.abort.grpc_status = fault.abort_grpc
        message.abort.percentage.CopyFrom(fraction(fault.abort_percent))
    elif fault.abort_status is not None:
        message.abort.http_status = fault.abort_status
        message.abort.percentage.CopyFrom(fraction(fault.abort_percent))
    return message
