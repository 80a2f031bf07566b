"""retries of a VirtualService."""

from typing import Any

import msgspec
import pytest

from mesh.resources.istio.virtual_service import HTTPRetry
from mesh.routing.model.route import Retry
from mesh.routing.virtual_service.retry import DEFAULT_RETRY, retry_of

CONDITIONS = DEFAULT_RETRY.retry_on


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        (None, DEFAULT_RETRY),
        ({"attempts": 0}, None),
        ({"attempts": 3}, Retry(3, CONDITIONS)),
        ({"attempts": 1, "retryOn": "5xx, reset"}, Retry(1, ("5xx", "reset"))),
        ({"attempts": 1, "retryOn": "503,409"}, Retry(1, ("retriable-status-codes",), (503, 409))),
        (
            {"attempts": 1, "retryOn": "retriable-status-codes,503"},
            Retry(1, ("retriable-status-codes",), (503,)),
        ),
        ({"attempts": 1, "perTryTimeout": "250ms"}, Retry(1, CONDITIONS, per_try_timeout=0.25)),
        ({"attempts": 1, "retryIgnorePreviousHosts": False}, Retry(1, CONDITIONS, avoid_previous_hosts=False)),
        ({"attempts": 1, "backoff": "1s"}, Retry(1, CONDITIONS, backoff=1.0)),
        ({"attempts": 1, "backoff": "0s"}, Retry(1, CONDITIONS)),
    ],
)
def test_retries_are_as_the_rule_says(retries: dict[str, Any] | None, expected: Retry | None) -> None:
    assert retry_of(None if retries is None else msgspec.convert(retries, HTTPRetry)) == expected
