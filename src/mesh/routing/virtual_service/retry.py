"""VirtualService.http[].retries, and the retries of rows that do not say any."""

from mesh.resources.istio.virtual_service import HTTPRetry
from mesh.resources.values.durations import seconds
from mesh.routing.model.route import Retry

# Istio's default policy since 1.24: a 503 is not retried, a connection that broke before the request left is.
DEFAULT_RETRY = Retry(2, ("connect-failure", "refused-stream", "unavailable", "cancelled", "reset-before-request"))
# Envoy compares `status_codes` only under this condition.
STATUS_CODES = "retriable-status-codes"


def retry_of(retries: HTTPRetry | None) -> Retry | None:
    """The default where a route says nothing; None where it says 0 attempts. `retryOn` may list status codes."""
    if retries is None:
        return DEFAULT_RETRY
    if retries.attempts <= 0:
        return None
    words = [word.strip() for word in retries.retry_on.split(",") if word.strip()]
    codes = tuple(int(word) for word in words if word.isdigit())
    conditions = tuple(word for word in words if not word.isdigit())
    if codes and STATUS_CODES not in conditions:
        conditions = (*conditions, STATUS_CODES)
    return Retry(
        attempts=retries.attempts,
        retry_on=conditions or DEFAULT_RETRY.retry_on,
        status_codes=codes,
        per_try_timeout=seconds(retries.per_try_timeout) if retries.per_try_timeout else None,
        avoid_previous_hosts=retries.retry_ignore_previous_hosts is not False,
        backoff=(seconds(retries.backoff) or None) if retries.backoff else None,
    )
