"""The services beside their own OpenAPI documents: requests drawn from a document, valid and invalid ones, get answers
that it announces, in the form that it announces."""

import os
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.support.services import SERVICES, Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "12"))


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", SERVICES)
def test_answers_are_those_that_the_document_announces(
    services: dict[str, Service], name: str, mode: GenerationMode
) -> None:
    service = services[name]
    document = schemathesis.openapi.from_dict(service.get("/openapi.json").json)
    results = list(document.get_all_operations())
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(operations) == len(results) > 0
    with requests.Session() as session:
        for operation in operations:
            can_be_invalid = operation.body or any(one.is_required for one in operation.iter_parameters())
            if mode is GenerationMode.NEGATIVE and not can_be_invalid:
                continue

            @settings(max_examples=EXAMPLES, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
            @given(operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                case.call_and_validate(base_url=service.url, session=session, checks=CHECKS, timeout=60)

            check()
