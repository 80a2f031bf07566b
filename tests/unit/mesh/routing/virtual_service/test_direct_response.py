"""directResponse of a VirtualService."""

from typing import Any

import msgspec
import pytest

from mesh.resources.istio.virtual_service import HTTPDirectResponse
from mesh.routing.model.route import Respond
from mesh.routing.virtual_service.direct_response import respond_of


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"status": 204}, Respond(204)),
        ({"status": 503, "body": {"string": "closed"}}, Respond(503, "closed")),
        ({"status": 503, "body": {"string": ""}}, Respond(503)),
        ({"status": 200, "body": {"bytes": "aGk="}}, Respond(200, "hi")),
    ],
)
def test_an_answer_that_needs_no_pod(response: dict[str, Any], expected: Respond) -> None:
    assert respond_of(msgspec.convert(response, HTTPDirectResponse)) == expected
