"""VirtualService.http[].fault."""

from mesh.resources.istio.common import GRPC_STATUSES
from mesh.resources.istio.virtual_service import FaultAbort, FaultDelay, HTTPFaultInjection
from mesh.resources.values.durations import seconds
from mesh.routing.model.route import Fault


def fault_of(fault: HTTPFaultInjection | None) -> Fault | None:
    """Delay and abort. None where there is neither: `exponentialDelay` and `http2Error` do nothing, as with Istio."""
    if fault is None:
        return None
    delay = fault.delay if fault.delay is not None and fault.delay.fixed_delay else None
    abort = fault.abort if fault.abort is not None and not fault.abort.http2_error else None
    if delay is None and abort is None:
        return None
    return Fault(
        delay=seconds(delay.fixed_delay) if delay is not None else None,
        delay_percent=_delayed(delay),
        abort_status=abort.http_status if abort is not None and not abort.grpc_status else None,
        abort_grpc=GRPC_STATUSES.get(abort.grpc_status) if abort is not None and abort.grpc_status else None,
        abort_percent=_aborted(abort),
    )


def _delayed(delay: FaultDelay | None) -> float:
    """The share of requests; `percent` is Istio's older whole number. Without either no request is delayed."""
    if delay is not None and delay.percentage is not None:
        return delay.percentage.value
    return float(delay.percent or 0) if delay is not None else 0.0


def _aborted(abort: FaultAbort | None) -> float:
    """The share of requests: "if not specified, no request will be aborted" (Istio's reference)."""
    return abort.percentage.value if abort is not None and abort.percentage is not None else 0.0
