"""Retries to Envoy's RetryPolicy messages."""

from envoy.config.route.v3 import route_components_pb2 as rc
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2

from mesh.envoy.encode.protobuf import duration
from mesh.routing.model.route import Retry

# How often Envoy draws again when the load balancer gives an endpoint that was tried already. Istio says 5: too few for
# two endpoints of which one has died. It has the fewest requests, so that LEAST_REQUEST draws it three times of four,
# and 3 of 100 requests that it broke met it again on both of their retries.
HOST_SELECTION_ATTEMPTS = 20


def encode_retry(retry: Retry) -> rc.RetryPolicy:
    """A policy whose tries prefer endpoints that were not tried yet."""
    message = rc.RetryPolicy(
        retry_on=",".join(retry.retry_on),
        retriable_status_codes=retry.status_codes,
        host_selection_retry_max_attempts=HOST_SELECTION_ATTEMPTS,
    )
    message.num_retries.value = retry.attempts
    if retry.per_try_timeout is not None:
        message.per_try_timeout.CopyFrom(duration(retry.per_try_timeout))
    if retry.backoff is not None:
        message.retry_back_off.base_interval.CopyFrom(duration(retry.backoff))
    if retry.avoid_previous_hosts:
        predicate = message.retry_host_predicate.add(name="envoy.retry_host_predicates.previous_hosts")
        predicate.typed_config.Pack(previous_hosts_pb2.PreviousHostsPredicate())
    return message
