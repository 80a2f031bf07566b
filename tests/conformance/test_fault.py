"""fault.abort.grpcStatus: calls end with the status as gRPC says it; what is no gRPC gets the same end as text."""

import asyncio

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.conformance.reference import Request
from tests.conformance.rig import Observed, Rig, istio


async def aborted(rig: Rig, status: str, *kinds: str) -> list[Observed]:
    """What calls with a content type ("" for none) get from a route that aborts."""
    fault = {"abort": {"grpcStatus": status, "percentage": {"value": 100}}}
    routes = [{"fault": fault, "route": [{"destination": {"host": "shop"}}]}]
    await rig.apply([*rig.around(), istio("VirtualService", "fault", {"hosts": ["shop"], "http": routes})])
    found = []
    try:
        for kind in kinds:
            headers = (("content-type", kind),) if kind else ()
            request = Request("mesh", "shop", 7000, "POST", "/pkg.Service/Call", "", headers, authority="shop:7000")
            found.append((await rig.ask(request, "caller"))[1])
    finally:
        await rig.hang_up()
    return found


@pytest.mark.parametrize(("status", "number"), [("UNAVAILABLE", "14"), ("NOT_FOUND", "5"), ("UNAUTHENTICATED", "16")])
def test_a_call_is_aborted_with_a_grpc_status(rig: Rig, runner: asyncio.Runner, status: str, number: str) -> None:
    grpc, plain = runner.run(aborted(rig, status, "application/grpc", ""))
    assert (grpc.status, grpc.headers["grpc-status"]) == (200, number)
    assert (plain.status, plain.pod, plain.body) == (200, "", "fault filter abort")


@pytest.mark.parametrize(
    ("abort", "path"),
    [
        ({"grpcStatus": "14"}, "grpcStatus"),
        ({"grpcStatus": "unavailable"}, "grpcStatus"),
        ({"grpcStatus": "UNAVAILABLE", "httpStatus": 503}, "grpcStatus"),
        ({"http2Error": "REFUSED_STREAM", "httpStatus": 503}, "http2Error"),
    ],
)
def test_another_status_is_refused_at_its_field(abort: dict[str, object], path: str) -> None:
    routes = [{"fault": {"abort": abort}, "route": [{"destination": {"host": "shop"}}]}]
    with pytest.raises(Invalid) as caught:
        validate(istio("VirtualService", "fault", {"hosts": ["shop"], "http": routes}))
    assert f"spec.http[0].fault.abort.{path}" in [error.path for error in caught.value.errors]
