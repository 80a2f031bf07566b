"""Forwards to Envoy's RouteAction messages: destinations, timeout, retries, rewrite, mirrors and hash policies."""

from envoy.config.route.v3 import route_components_pb2 as rc

from mesh.envoy.encode.headers import encode_headers
from mesh.envoy.encode.protobuf import duration, fraction
from mesh.envoy.encode.retry import encode_retry
from mesh.routing.model.route import Forward, HashOn, HeaderChanges, Retry, Rewrite, WeightedCluster


def has_one_destination(action: Forward) -> bool:
    """Whether a single cluster is enough; Envoy changes headers per destination only in weighted clusters."""
    return len(action.to) == 1 and action.to[0].headers == HeaderChanges()


def encode_forward(action: Forward, inherited: Retry | None) -> rc.RouteAction:
    """`inherited` is the retry policy of the virtual host, left out here where the row has the same."""
    message = rc.RouteAction()
    if has_one_destination(action):
        message.cluster = action.to[0].cluster
    else:
        message.weighted_clusters.clusters.extend(_weighted(destination) for destination in action.to)
    # Left out, Envoy's own 15 s would count; 0 is none.
    message.timeout.CopyFrom(duration(action.timeout or 0.0))
    if action.retry is not None and action.retry != inherited:
        message.retry_policy.CopyFrom(encode_retry(action.retry))
    elif action.retry is None and inherited is not None:
        message.retry_policy.num_retries.value = 0
    if action.rewrite is not None:
        _encode_rewrite(message, action.rewrite)
    for cluster, percent in action.mirrors:
        mirror = message.request_mirror_policies.add(cluster=cluster)
        mirror.runtime_fraction.default_value.CopyFrom(fraction(percent))
        mirror.trace_sampled.value = False
    message.hash_policy.extend(_hash_policy(hash_on) for hash_on in action.hash_on)
    return message


def _weighted(destination: WeightedCluster) -> rc.WeightedCluster.ClusterWeight:
    message = rc.WeightedCluster.ClusterWeight(name=destination.cluster)
    message.weight.value = destination.weight
    encode_headers(message, destination.headers)
    if destination.headers.authority:
        message.host_rewrite_literal = destination.headers.authority
    return message


def _encode_rewrite(message: rc.RouteAction, rewrite: Rewrite) -> None:
    if rewrite.authority:
        message.host_rewrite_literal = rewrite.authority
    if rewrite.prefix:
        message.prefix_rewrite = rewrite.prefix
    if rewrite.regex is not None:
        message.regex_rewrite.pattern.regex = rewrite.regex
        message.regex_rewrite.substitution = rewrite.substitution or ""


def _hash_policy(hash_on: HashOn) -> rc.RouteAction.HashPolicy:
    message = rc.RouteAction.HashPolicy()
    match hash_on.kind:
        case "header":
            message.header.header_name = hash_on.name
        case "cookie":
            message.cookie.name = hash_on.name
            message.cookie.path = hash_on.path
            if hash_on.ttl is not None:
                message.cookie.ttl.CopyFrom(duration(hash_on.ttl))
            for name, value in hash_on.attributes:
                message.cookie.attributes.add(name=name, value=value)
        case "query":
            message.query_parameter.name = hash_on.name
        case "source":
            message.connection_properties.source_ip = True
    return message
