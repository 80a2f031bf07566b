"""fault of a VirtualService."""

from typing import Any

import msgspec
import pytest

from mesh.resources.istio.virtual_service import HTTPFaultInjection
from mesh.routing.model.route import Fault
from mesh.routing.virtual_service.fault import fault_of


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"delay": {"fixedDelay": "2s"}}, Fault(delay=2.0)),
        ({"delay": {"fixedDelay": "2s", "percent": 5}}, Fault(delay=2.0, delay_percent=5.0)),
        (
            {"delay": {"fixedDelay": "2s", "percent": 5, "percentage": {"value": 0.1}}},
            Fault(delay=2.0, delay_percent=0.1),
        ),
        ({"abort": {"httpStatus": 503}}, Fault(abort_status=503, abort_percent=0.0)),
        ({"abort": {"httpStatus": 503, "percentage": {"value": 7}}}, Fault(abort_status=503, abort_percent=7.0)),
        ({"abort": {"http2Error": "REFUSED_STREAM"}}, None),
        ({"delay": {"exponentialDelay": "2s"}}, None),
        ({"abort": {"httpStatus": 503, "percentage": {"value": 0.0}}}, Fault(abort_status=503, abort_percent=0.0)),
        ({"abort": {"grpcStatus": "UNAVAILABLE"}}, Fault(abort_grpc=14)),
    ],
)
def test_a_share_of_requests_is_delayed_or_aborted(fault: dict[str, Any], expected: Fault | None) -> None:
    assert fault_of(msgspec.convert(fault, HTTPFaultInjection)) == expected


def test_no_fault_is_none() -> None:
    assert fault_of(None) is None
