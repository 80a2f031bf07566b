"""Changes of headers, for routes and for single destinations."""

from collections.abc import Iterable, Iterator

from envoy.config.core.v3 import base_pb2 as core
from envoy.config.route.v3 import route_components_pb2 as rc

from mesh.routing.model.route import HeaderChanges


def encode_headers(message: rc.Route | rc.WeightedCluster.ClusterWeight, changes: HeaderChanges) -> None:
    """Writes the changes of request and response headers into a route or a destination."""
    request, response = changes.request, changes.response
    message.request_headers_to_add.extend(_options(request.set, request.add))
    message.request_headers_to_remove.extend(request.remove)
    message.response_headers_to_add.extend(_options(response.set, response.add))
    message.response_headers_to_remove.extend(response.remove)


def _options(
    overwritten: Iterable[tuple[str, str]], appended: Iterable[tuple[str, str]]
) -> Iterator[core.HeaderValueOption]:
    """What is set comes before what is added: the other order would overwrite what was just added."""
    overwrite = core.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    append = core.HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
    for pairs, action in ((overwritten, overwrite), (appended, append)):
        for key, value in pairs:
            option = core.HeaderValueOption(append_action=action)
            option.header.key = key
            # Envoy's commands (%START_TIME(%s)%) are followed, as in Istio; a percent sign of a text is written twice.
            option.header.value = value
            yield option
