"""VirtualService.http[].fault."""

from mesh.resources.istio.common import GRPC_STATUSES
from mesh.resources.istio.virtual_service import HTTPFaultInjection
from mesh.resources.values.durations import seconds
from mesh.routing.model.route import Fault


def fault_of(fault: HTTPFaultInjection | None) -> Fault | None:
    """Delay and abort; without a percentage they concern every request. `percent` is Istio's older whole number."""
    if fault is None:
        return None
    delay, abort = fault.delay, fault.abort
    delay_percent = 100.0
    if delay is not None and delay.percentage is not None:
        delay_percent = delay.percentage.value
    elif delay is not None and delay.percent is not None:
        delay_percent = float(delay.percent)
    return Fault(
        delay=seconds(delay.fixed_delay) if delay is not None else None,
        delay_percent=delay_percent,
        abort_status=abort.http_status if abort is not None and not abort.grpc_status else None,
        abort_grpc=GRPC_STATUSES.get(abort.grpc_status) if abort is not None and abort.grpc_status else None,
        abort_percent=abort.percentage.value if abort is not None and abort.percentage is not None else 100.0,
    )
